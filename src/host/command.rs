//! Other programs, run to their end, with their own words kept for errors.

use std::fs::File;
use std::process::{Command, Output, Stdio};

/// A program that could not be run, or failed.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` {what}")]
pub struct CommandError {
    /// The command line.
    pub command: String,
    /// What happened, with the end of its stderr.
    pub what: String,
}

/// Runs a program and waits for it.
///
/// # Errors
/// When it can't be started or ends with another code than 0; then with the last lines that it printed.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<Output, CommandError> {
    ended_well(program, args, run_any(program, args)?)
}

/// Runs a program that reads from a file or writes to one; gives its stderr.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_piped(
    program: &str,
    args: &[&str],
    stdin: Option<File>,
    stdout: Option<File>,
) -> Result<String, CommandError> {
    let mut command = Command::new(program);
    command.args(args).stdin(stdin.map_or(Stdio::null(), Stdio::from));
    command.stdout(stdout.map_or(Stdio::piped(), Stdio::from)).stderr(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output);
    let output = ended_well(program, args, output.map_err(|e| not_run(program, args, &e))?)?;
    Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn ended_well(program: &str, args: &[&str], output: Output) -> Result<Output, CommandError> {
    if output.status.success() {
        return Ok(output);
    }
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.trim().lines().collect();
    let tail = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("; ");
    let what = if tail.is_empty() {
        format!("failed: {}", output.status)
    } else {
        format!("failed ({}): {tail}", output.status)
    };
    Err(CommandError { command: command_line(program, args), what })
}

/// Runs a program and waits for it, whatever code it ends with.
///
/// # Errors
/// When it can't be started.
pub(crate) fn run_any(program: &str, args: &[&str]) -> Result<Output, CommandError> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    output.map_err(|error| not_run(program, args, &error))
}

fn not_run(program: &str, args: &[&str], error: &std::io::Error) -> CommandError {
    CommandError { command: command_line(program, args), what: format!("can't be run: {error}") }
}

/// The path of a program in PATH.
pub(crate) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file())
}

fn command_line(program: &str, args: &[&str]) -> String {
    std::iter::once(program).chain(args.iter().copied()).collect::<Vec<_>>().join(" ")
}
