//! Programs that are run to their end, with what they said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// What a program that ended leaves.
#[derive(Debug)]
pub struct Output {
    /// The command line.
    pub line: String,
    /// The exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// From start to end.
    pub(crate) elapsed: Duration,
}

impl Output {
    /// Itself, if the program ended well.
    ///
    /// # Errors
    /// Otherwise: with the last lines of what it said.
    pub fn success(self) -> anyhow::Result<Self> {
        if self.code == Some(0) {
            return Ok(self);
        }
        bail!("{}", self.failure())
    }

    /// How it ended, and its last words.
    pub fn failure(&self) -> String {
        let code = self.code.map_or("a signal".to_owned(), |c| format!("exit code {c}"));
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        format!("`{}` ended with {code}:\n{}", self.line, tail(said, 25))
    }
}

impl Output {
    /// After how many seconds it ended, if it did with this exit code in time and said all of these words, of which `|`
    /// parts those that do as well; else what is wrong.
    pub(crate) fn told(&self, code: i32, within: Duration, says: &[&str]) -> Result<f64, String> {
        let said = format!("{}{}", self.stdout, self.stderr).to_lowercase();
        let is_said = |words: &str| words.split('|').any(|word| said.contains(&word.to_lowercase()));
        let missing = says.iter().find(|words| !is_said(words));
        match missing {
            _ if self.code != Some(code) => Err(format!("wrong exit code: {}", self.failure())),
            _ if self.elapsed > within => Err(format!("told after {:.1} s", self.elapsed.as_secs_f64())),
            Some(missing) => Err(format!("{missing:?} is not said: {}", self.failure())),
            None => Ok(self.elapsed.as_secs_f64()),
        }
    }
}

/// The last `count` lines of `text`.
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines.iter().skip(lines.len().saturating_sub(count)).copied().collect::<Vec<_>>().join("\n")
}

/// Runs `command` to its end, without standard input.
///
/// # Errors
/// When it can't be started.
pub fn run(command: &mut Command) -> anyhow::Result<Output> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let start = Instant::now();
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("`{line}` can't be started"))?;
    Ok(Output {
        line,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        elapsed: start.elapsed(),
    })
}

/// Runs `program` with `args`; it must end well.
///
/// # Errors
/// When it does not.
pub fn check(program: impl AsRef<OsStr>, args: &[&str]) -> anyhow::Result<Output> {
    run(Command::new(program).args(args))?.success()
}

/// Where PATH has `program`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| is_program(file))
}

/// Whether `file` is there and can be run.
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_last_words() {
        let output = run(Command::new("sh").args(["-c", "echo out; echo broken >&2; exit 3"])).unwrap();
        assert_eq!((output.code, output.stdout.as_str()), (Some(3), "out\n"));
        let error = output.success().unwrap_err().to_string();
        assert!(error.ends_with("ended with exit code 3:\nbroken"), "{error}");
    }

    #[test]
    fn the_tail_is_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
