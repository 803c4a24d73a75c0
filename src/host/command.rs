//! Other programs, run to their end, with their own words kept for errors.

use std::process::{Command, Output, Stdio};

/// A program that could not be run, or failed.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` {what}")]
pub struct CommandError {
    /// The command line.
    pub command: String,
    /// What happened, with the end of what it said on stderr.
    pub what: String,
}

/// Runs a program and waits for it.
///
/// # Errors
/// When it can't be started or ends with another code than 0; then with the last lines that it printed.
pub fn run(program: &str, args: &[&str]) -> Result<Output, CommandError> {
    let output = run_any(program, args)?;
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
pub fn run_any(program: &str, args: &[&str]) -> Result<Output, CommandError> {
    Command::new(program).args(args).stdin(Stdio::null()).output().map_err(|error| CommandError {
        command: command_line(program, args),
        what: format!("can't be run: {error}"),
    })
}

/// Where a program lies in PATH.
pub fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file())
}

fn command_line(program: &str, args: &[&str]) -> String {
    std::iter::once(program).chain(args.iter().copied()).collect::<Vec<_>>().join(" ")
}
