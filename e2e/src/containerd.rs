//! containerd in the machine.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::wait::eventually;

pub(crate) const CONFIG: &str = "/etc/containerd/config.toml";

/// Where one has its things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    config: &'static str,
    log: &'static str,
    root: &'static str,
    state: &'static str,
    /// Where it listens.
    pub(crate) socket: &'static str,
}

/// The place that is found without being named.
pub(crate) const USUAL: Place = Place {
    config: CONFIG,
    log: "/e2e/logs/containerd.log",
    root: "/var/lib/containerd",
    state: "/run/containerd",
    socket: "/run/containerd/containerd.sock",
};

/// Another, without images.
pub(crate) const SECOND: Place = Place {
    config: "/etc/containerd/second.toml",
    log: "/e2e/logs/containerd-second.log",
    root: "/var/lib/containerd-second",
    state: "/run/containerd-second",
    socket: "/run/containerd-second/containerd.sock",
};

/// A running containerd.
#[derive(Debug)]
pub(crate) struct Containerd(Child);

impl Containerd {
    /// Starts it, with `pause` as the sandboxes' image, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn start(pause: &str) -> anyhow::Result<Self> {
        Self::start_with(&configuration(pause))
    }

    /// Starts it with another configuration file.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn start_with(configuration: &str) -> anyhow::Result<Self> {
        Self::start_at(&USUAL, configuration)
    }

    /// Starts one at a place of its own.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn start_at(place: &Place, configuration: &str) -> anyhow::Result<Self> {
        fs::create_dir_all("/etc/containerd")?;
        fs::write(place.config, configuration)?;
        let log = File::options().create(true).append(true).open(place.log)?;
        let mut child = Command::new("containerd")
            .args(["--config", place.config, "--root", place.root, "--state", place.state])
            .args(["--address", place.socket])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("containerd can't be started")?;
        eventually("containerd answers", Duration::from_secs(30), || {
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}");
            }
            Ok(UnixStream::connect(place.socket).map(drop)?)
        })?;
        Ok(Self(child))
    }

    /// Stops it, with its databases in order.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        self.0.wait().context("containerd can't be stopped")?;
        Ok(())
    }
}

/// Its configuration: the defaults, but for the sandboxes' image and for what some machines can't do.
pub(crate) fn configuration(pause: &str) -> String {
    format!(
        r#"version = 3

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"

# Without CAP_SYS_RESOURCE (as in many sandboxes) no process may be made less likely to be killed.
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true

# No systemd here that could manage cgroups.
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
    SystemdCgroup = false
"#
    )
}
