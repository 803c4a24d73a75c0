//! The daily run: a systemd timer, or a job of cron where OpenRC is the init system.

use std::path::{Path, PathBuf};

use askama::Template;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Host};

/// The timer, for systemd.
pub(crate) const TIMER: &str = "kubestrap-care.timer";
const SERVICE: &str = "kubestrap-care.service";
const UNITS: &str = "/etc/systemd/system";
/// Where jobs are that run daily: BusyBox' crond, then others.
const DAILY: [&str; 2] = ["/etc/periodic/daily", "/etc/cron.daily"];
const JOB: &str = "kubestrap-care";

#[derive(Template)]
#[template(path = "care/kubestrap-care.service.txt")]
struct Service<'a> {
    command: &'a str,
}

#[derive(Template)]
#[template(path = "care/kubestrap-care.timer.txt")]
struct Timer;

#[derive(Template)]
#[template(path = "care/kubestrap-care.sh.txt")]
struct Job<'a> {
    command: &'a str,
}

/// How the daily run is started on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// By a systemd timer.
    Systemd,
    /// By cron, from this directory.
    Cron(&'static str),
}

impl Schedule {
    /// How it can be on this machine.
    ///
    /// # Errors
    /// When there is nothing that would start it.
    pub(crate) fn of(host: &dyn Host) -> Result<Self, Error> {
        if host.init_system().is_some_and(|init| init.name() == "systemd") {
            return Ok(Self::Systemd);
        }
        let daily = DAILY.into_iter().find(|dir| host.exists(Path::new(dir)));
        daily.map(Self::Cron).ok_or_else(|| {
            let message = format!(
                "this machine has neither systemd nor {}, so nothing would start the daily run\n  fix: have a scheduler run `kubestrap care run` once a day",
                DAILY.join(" nor ")
            );
            Error::new(ExitStatus::Failed, message)
        })
    }

    /// In words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Systemd => format!("systemd timer {TIMER}"),
            Self::Cron(dir) => format!("cron job {dir}/{JOB}"),
        }
    }

    /// The command that starts a run as it is enabled.
    pub(crate) fn start(self) -> String {
        match self {
            Self::Systemd => format!("systemctl start {SERVICE}"),
            Self::Cron(dir) => format!("{dir}/{JOB}"),
        }
    }

    /// Its files, and what is in them, for a program with arguments.
    pub(crate) fn files(
        self,
        program: &Path,
        arguments: &[String],
    ) -> Result<Vec<(PathBuf, String, FileMode)>, Error> {
        let words = std::iter::once(program.to_string_lossy().into_owned()).chain(arguments.iter().cloned());
        Ok(match self {
            Self::Systemd => {
                let command = words.map(|w| unit_word(&w)).collect::<Vec<_>>().join(" ");
                vec![
                    (Path::new(UNITS).join(SERVICE), text(&Service { command: &command })?, FileMode::UNIT),
                    (Path::new(UNITS).join(TIMER), text(&Timer)?, FileMode::UNIT),
                ]
            }
            Self::Cron(dir) => {
                let command = words.map(|w| shell_word(&w)).collect::<Vec<_>>().join(" ");
                vec![(Path::new(dir).join(JOB), text(&Job { command: &command })?, FileMode::SCRIPT)]
            }
        })
    }

    /// Whether the daily run is set up.
    pub(crate) fn is_enabled(self, host: &dyn Host) -> bool {
        match self {
            Self::Systemd => host.init_system().is_some_and(|init| init.state(TIMER).enabled),
            Self::Cron(dir) => host.exists(&Path::new(dir).join(JOB)),
        }
    }

    /// Sets it up.
    ///
    /// # Errors
    /// When a file can't be written, or the timer not started.
    pub(crate) fn enable(self, program: &Path, arguments: &[String], host: &dyn Host) -> Result<(), Error> {
        for (path, text, mode) in self.files(program, arguments)? {
            host.write(&path, text.as_bytes(), mode)?;
        }
        if let (Self::Systemd, Some(init)) = (self, host.init_system()) {
            init.enable(TIMER)?;
            init.restart(TIMER)?;
        }
        Ok(())
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When the timer can't be stopped, or a file not removed.
    pub(crate) fn disable(self, host: &dyn Host) -> Result<(), Error> {
        if let (Self::Systemd, Some(init), true) = (self, host.init_system(), self.is_enabled(host)) {
            init.disable(TIMER)?;
            init.stop(TIMER)?;
        }
        for (path, ..) in self.files(Path::new(""), &[])? {
            host.remove(&path)?;
        }
        Ok(())
    }
}

/// A file's text: templates come without their last line's end.
fn text(template: &impl Template) -> Result<String, Error> {
    Ok(template.render()? + "\n")
}

/// A word of a unit's command line: systemd expands `%`, `$` and backslashes even between quotes.
fn unit_word(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    if escaped == word && !word.is_empty() && !word.contains(char::is_whitespace) {
        escaped
    } else {
        format!("\"{escaped}\"")
    }
}

/// A word of a shell's command line.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_keep_their_words() {
        assert_eq!(unit_word("/mnt/a b/100%$x"), r#""/mnt/a b/100%%$$x""#);
        assert_eq!((unit_word("--keep=7").as_str(), unit_word("").as_str()), ("--keep=7", r#""""#));
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("/usr/bin/kubestrap"), "/usr/bin/kubestrap");
    }

    #[test]
    fn timer_starts_the_service_that_runs_the_command() {
        let files =
            Schedule::Systemd.files(Path::new("/usr/bin/kubestrap"), &["care".into(), "run".into()]).unwrap();
        let text = |name: &str| &files.iter().find(|(path, ..)| path.ends_with(name)).unwrap().1;
        assert!(text(SERVICE).contains("\nExecStart=/usr/bin/kubestrap care run\n"), "{}", text(SERVICE));
        assert!(text(TIMER).contains("RandomizedDelaySec=") && text(TIMER).contains("Persistent=true"));
    }

    #[test]
    fn cron_job_is_a_script_whose_name_run_parts_takes() {
        let files = Schedule::Cron("/etc/cron.daily")
            .files(Path::new("/usr/bin/kubestrap"), &["care".into()])
            .unwrap();
        let (path, text, mode) = files.first().unwrap();
        assert!(!path.file_name().unwrap().to_str().unwrap().contains('.'));
        assert!(
            text.starts_with("#!/bin/sh\n") && text.ends_with("exec /usr/bin/kubestrap care\n"),
            "{text}"
        );
        assert_eq!(mode.file, 0o755);
    }
}
