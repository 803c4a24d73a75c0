//! containerd in the machine.

use std::fs;
use std::process::Command;

use super::daemon::Daemon;

const CONFIG: &str = "/etc/containerd/config.toml";

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

/// Starts it with its configuration file, at a place, and waits until it answers.
///
/// # Errors
/// When it does not.
pub(crate) fn start_at(place: &Place, configuration: &str) -> anyhow::Result<Daemon> {
    fs::create_dir_all("/etc/containerd")?;
    fs::write(place.config, configuration)?;
    let mut command = Command::new("containerd");
    command
        .args(["--config", place.config, "--root", place.root, "--state", place.state])
        .args(["--address", place.socket]);
    Daemon::start(&mut command, place.log, place.socket)
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
