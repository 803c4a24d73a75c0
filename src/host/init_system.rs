//! What starts and stops services: systemd or OpenRC, found by their programs as kubeadm finds them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::command::{self, CommandError};
use super::service_words;

/// The state of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// The init system knows it.
    pub exists: bool,
    /// It runs.
    pub active: bool,
    /// It starts with the machine.
    pub enabled: bool,
}

/// A service that could not be started, stopped or enabled.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The init system's program failed.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// An init system.
pub trait InitSystem: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether there is anything by which it could know `service`: to find that out is faster than to ask.
    fn may_know(&self, _service: &str) -> bool {
        true
    }

    /// The state of `service`.
    fn state(&self, service: &str) -> ServiceState;

    /// The state of each of `services`, asked together where that is faster.
    fn states(&self, services: &[&str]) -> Vec<ServiceState> {
        services.iter().map(|s| self.state(s)).collect()
    }

    /// Whether `service` is starting at this moment, and has not failed to before.
    fn is_starting(&self, _service: &str) -> bool {
        false
    }

    /// Stops `service`.
    ///
    /// # Errors
    /// When that fails.
    fn stop(&self, service: &str) -> Result<(), ServiceError>;

    /// Starts `service`, or restarts it, with its unit read again.
    ///
    /// # Errors
    /// When that fails.
    fn restart(&self, service: &str) -> Result<(), ServiceError>;

    /// Enables `service`, so that it starts at boot.
    ///
    /// # Errors
    /// When that fails.
    fn enable(&self, service: &str) -> Result<(), ServiceError>;

    /// Disables `service`, so that it does not start at boot.
    ///
    /// # Errors
    /// When that fails.
    fn disable(&self, service: &str) -> Result<(), ServiceError>;

    /// The unit of `service` with its drop-ins, where that can be shown.
    fn unit(&self, _service: &str) -> Option<String> {
        None
    }

    /// What `service` logged since `since`, at most a few hundred lines.
    fn recent_log(&self, service: &str, since: SystemTime) -> Vec<String>;
}

/// The init system of this machine.
pub(super) fn detect() -> Option<Box<dyn InitSystem>> {
    let has = |program| command::find(program).is_some();
    if has("systemctl") {
        return Some(Box::new(Systemd));
    }
    (has("openrc") && has("rc-service") && has("rc-update")).then(|| Box::new(OpenRc) as Box<dyn InitSystem>)
}

/// Where systemd looks for units (systemd.unit(5)).
const UNIT_FOLDERS: [&str; 13] = [
    "/etc/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/local/lib/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator",
    "/run/systemd/generator.early",
    "/run/systemd/generator.late",
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/etc/systemd/system.attached",
    "/run/systemd/system.attached",
];

struct Systemd;

impl InitSystem for Systemd {
    fn name(&self) -> &'static str {
        "systemd"
    }

    fn may_know(&self, service: &str) -> bool {
        let unit = format!("{service}.service");
        // A link that leads nowhere counts: it is how a unit is masked or enabled.
        UNIT_FOLDERS.iter().any(|folder| Path::new(folder).join(&unit).symlink_metadata().is_ok())
    }

    fn state(&self, service: &str) -> ServiceState {
        self.states(&[service]).pop().unwrap_or_default()
    }

    fn states(&self, services: &[&str]) -> Vec<ServiceState> {
        let enabled = said_of("is-enabled", services);
        // A unit that is not there makes `is-enabled` print nothing, or `not-found`.
        let there = |word: &str| !matches!(word, "" | "not-found");
        let known = services.iter().zip(&enabled).filter(|(_, e)| there(e)).map(|(s, _)| *s);
        let mut active = said_of("is-active", &known.collect::<Vec<_>>()).into_iter();
        let state = |enabled: &String| {
            let exists = there(enabled);
            let active = if exists { active.next().unwrap_or_default() } else { String::new() };
            ServiceState {
                exists,
                active: matches!(active.as_str(), "active" | "activating" | "reloading"),
                enabled: enabled.starts_with("enabled")
                    || matches!(enabled.as_str(), "static" | "indirect" | "generated" | "alias"),
            }
        };
        enabled.iter().map(state).collect()
    }

    fn is_starting(&self, service: &str) -> bool {
        // A service that fails again and again is `activating` too, in `auto-restart`.
        let shown = command::run_any("systemctl", &["show", service, "--property=SubState", "--value"]);
        shown.is_ok_and(|shown| shown.stdout.starts_with(b"start"))
    }

    fn stop(&self, service: &str) -> Result<(), ServiceError> {
        command::run("systemctl", &["stop", service])?;
        Ok(())
    }

    fn restart(&self, service: &str) -> Result<(), ServiceError> {
        command::run("systemctl", &["daemon-reload"])?;
        command::run("systemctl", &["restart", service])?;
        Ok(())
    }

    fn enable(&self, service: &str) -> Result<(), ServiceError> {
        command::run("systemctl", &["enable", service])?;
        Ok(())
    }

    fn disable(&self, service: &str) -> Result<(), ServiceError> {
        command::run("systemctl", &["disable", service])?;
        Ok(())
    }

    fn unit(&self, service: &str) -> Option<String> {
        let output = command::run("systemctl", &["cat", "--no-pager", service]).ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn recent_log(&self, service: &str, since: SystemTime) -> Vec<String> {
        // With the fraction: what a kubelet logged in the same second, before its restart, does not count.
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = format!("--since=@{}.{:06}", since.as_secs(), since.subsec_micros());
        let output = command::run_any(
            "journalctl",
            &["-u", service, &since, "-n", "400", "-o", "cat", "--no-pager", "-q"],
        );
        output
            .map(|o| String::from_utf8_lossy(&o.stdout).lines().map(str::to_owned).collect())
            .unwrap_or_default()
    }
}

/// The one-word answer of `systemctl VERB` for each service; empty if it has none.
fn said_of(verb: &str, services: &[&str]) -> Vec<String> {
    if services.is_empty() {
        return vec![];
    }
    let mut args = vec![verb];
    args.extend(services);
    let output = command::run_any("systemctl", &args).map(|o| o.stdout).unwrap_or_default();
    let words: Vec<String> = String::from_utf8_lossy(&output).lines().map(|l| l.trim().to_owned()).collect();
    match services {
        [_] => vec![words.join(" ")],
        // Older ones are silent about units that are not there: which line is whose, only asking singly shows.
        _ if words.is_empty() => services.iter().map(|_| String::new()).collect(),
        _ if words.len() != services.len() => services.iter().flat_map(|s| said_of(verb, &[s])).collect(),
        _ => words,
    }
}

/// Where OpenRC has its services, and those that the usual runlevel starts.
const SCRIPTS: &str = "/etc/init.d";
const DEFAULT_RUNLEVEL: &str = "/etc/runlevels/default";

struct OpenRc;

impl InitSystem for OpenRc {
    fn name(&self) -> &'static str {
        "OpenRC"
    }

    /// A service is a script, and a link to it in a runlevel enables it: only whether it runs has to be asked for, which
    /// takes OpenRC a second and more where it reads all scripts anew.
    fn may_know(&self, service: &str) -> bool {
        Path::new(SCRIPTS).join(service).exists()
    }

    fn state(&self, service: &str) -> ServiceState {
        if !self.may_know(service) {
            return ServiceState::default();
        }
        let status = command::run_any("rc-service", &[service, "status"]);
        ServiceState {
            exists: true,
            active: status.is_ok_and(|o| o.status.success()),
            enabled: Path::new(DEFAULT_RUNLEVEL).join(service).symlink_metadata().is_ok(),
        }
    }

    fn stop(&self, service: &str) -> Result<(), ServiceError> {
        command::run("rc-service", &[service, "stop"])?;
        Ok(())
    }

    fn restart(&self, service: &str) -> Result<(), ServiceError> {
        command::run("rc-service", &[service, "restart"])?;
        Ok(())
    }

    fn enable(&self, service: &str) -> Result<(), ServiceError> {
        command::run("rc-update", &["add", service, "default"])?;
        Ok(())
    }

    fn disable(&self, service: &str) -> Result<(), ServiceError> {
        command::run("rc-update", &["delete", service, "default"])?;
        Ok(())
    }

    fn recent_log(&self, service: &str, _since: SystemTime) -> Vec<String> {
        let text = std::fs::read_to_string(service_words::log(service)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(400)).map(|l| (*l).to_owned()).collect()
    }
}
