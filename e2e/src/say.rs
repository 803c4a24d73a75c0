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

/// Says what went wrong; the exit code for it.
pub fn failure(text: &str) -> ExitCode {
    note(format_args!("error: {text}"));
    ExitCode::FAILURE
}
