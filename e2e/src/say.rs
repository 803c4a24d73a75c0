//! What the user sees.

use std::process::ExitCode;

/// A line on standard output.
#[expect(clippy::print_stdout, reason = "the one place that prints results")]
pub fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// A line on standard error: what is going on.
#[expect(clippy::print_stderr, reason = "the one place that prints what is going on")]
pub fn note(text: impl std::fmt::Display) {
    eprintln!("{text}");
}

/// A scenario's name and what it asserts, as a list shows them.
pub(crate) fn listed(name: &str, asserts: &str) {
    line(format_args!("{name:<26} {asserts}"));
}

/// How a scenario ended: what was noted, or where to look and why it failed, in lines.
pub(crate) fn ended(name: &str, seconds: f64, about: impl std::fmt::Display, why: Option<&str>) {
    match why {
        None => line(format_args!("{name:<26} ok     {seconds:6.1} s  {about}")),
        Some(why) => {
            let why = why.replace('\n', "\n    ");
            line(format_args!("{name:<26} FAILED {seconds:6.1} s  {about}\n    {why}"));
        }
    }
}

/// The exit code of what passed, failed, or could not be done, which is said.
pub(crate) fn verdict(passed: anyhow::Result<bool>) -> ExitCode {
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failure(&format!("{error:#}")),
    }
}

/// Says what went wrong; the exit code for it.
pub fn failure(text: &str) -> ExitCode {
    note(format_args!("error: {text}"));
    ExitCode::FAILURE
}
