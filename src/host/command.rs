//! Other programs, run to their end, with their own words kept for errors.

use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// After which time a program is killed: later than any check waits for it, which then reports that nothing is known.
pub(super) const PROGRAM_LIMIT: Duration = Duration::from_secs(20);

/// What a program said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// It ended with code 0.
    pub success: bool,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

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
    let start = Instant::now();
    let output = command.spawn().and_then(Child::wait_with_output);
    log(program, args, start, output.as_ref().map(|output| output.status));
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
    let start = Instant::now();
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    log(program, args, start, output.as_ref().map(|output| output.status));
    output.map_err(|error| not_run(program, args, &error))
}

fn log(program: &str, args: &[&str], start: Instant, ended: Result<ExitStatus, &io::Error>) {
    let outcome = ended.map_or_else(ToString::to_string, |status| status.to_string());
    let took = start.elapsed().as_secs_f64();
    tracing::debug!("`{}`: {outcome} ({took:.3} s)", command_line(program, args));
}

fn not_run(program: &str, args: &[&str], error: &io::Error) -> CommandError {
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

/// Runs a program; one that does not end in time is killed.
///
/// # Errors
/// In words, when it can't be started or does not end in time.
pub(super) fn run_within(program: &str, args: &[&str], limit: Duration) -> Result<Said, String> {
    let start = Instant::now();
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            log(program, args, start, Err(&error));
            return Err(error.to_string());
        }
    };
    // Read in parallel: a program that writes more than a pipe holds would block.
    let (stdout, stderr) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if start.elapsed() > limit => {
                let _ = child.kill();
                log(program, args, start, child.wait().as_ref().copied());
                return Err(format!("it did not finish within {} s", limit.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    log(program, args, start, Ok(status));
    // A child process of the program may hold the pipe open: what was written by now is enough.
    let heard = |text: Receiver<String>| text.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    Ok(Said { success: status.success(), stdout: heard(stdout), stderr: heard(stderr) })
}

/// All that a stream gives, as text, once it ends.
fn read_all(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = vec![];
        let _ = stream.map(|s| s.take(1 << 20).read_to_end(&mut bytes));
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_programs_is_read_and_hanging_ones_are_killed() {
        let limit = Duration::from_secs(2);
        let said = run_within("sh", &["-c", "echo out; echo err >&2; exit 3"], limit).unwrap();
        assert_eq!(said, Said { success: false, stdout: "out\n".into(), stderr: "err\n".into() });
        let long = run_within("sh", &["-c", "head -c 300000 /dev/zero | tr '\\0' x"], limit).unwrap();
        assert_eq!(long.stdout.len(), 300_000, "more than a pipe holds");
        assert!(run_within("/no/such", &[], limit).is_err());
        assert!(
            run_within("sleep", &["30"], Duration::from_millis(100)).unwrap_err().contains("did not finish")
        );
    }

    #[test]
    fn commands_are_logged_with_how_they_ended() {
        let log = crate::logging::logged(tracing::Level::DEBUG, || {
            run("sh", &["-c", "echo hush; exit 3"]).unwrap_err();
            run_within("/no/such", &["--version"], Duration::from_secs(1)).unwrap_err();
            run_within("sleep", &["30"], Duration::from_millis(50)).unwrap_err();
        });
        let lines: Vec<&str> = log.lines().collect();
        assert!(lines[0].contains("DEBUG `sh -c echo hush; exit 3`: exit status: 3 (0."), "{log}");
        assert!(lines[1].contains("`/no/such --version`: No such file or directory"), "{log}");
        assert!(lines[2].contains("`sleep 30`: signal: 9"), "{log}");
        assert_eq!(lines.len(), 3, "{log}");
    }
}
