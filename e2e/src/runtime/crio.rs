//! CRI-O in the machine.

use std::fs;
use std::process::Command;

use super::daemon::Daemon;
use super::oci::{self, SCRIPT};
use crate::command::find;

/// Where it listens.
pub(super) const SOCKET: &str = "/var/run/crio/crio.sock";
/// Its configuration's folder, and the file of ours in it.
const FOLDER: &str = "/etc/crio/crio.conf.d";
const FILE: &str = "10-e2e.conf";
/// Whose images are taken: anybody's, as distributions have it.
const POLICY: &str = "/etc/containers/policy.json";
/// Starts it with its configuration file, and waits until it answers.
///
/// # Errors
/// When it does not.
pub(super) fn start(configuration: &str) -> anyhow::Result<Daemon> {
    for folder in [FOLDER, "/etc/containers"] {
        fs::create_dir_all(folder)?;
    }
    fs::write(format!("{FOLDER}/{FILE}"), configuration)?;
    fs::write(POLICY, r#"{"default": [{"type": "insecureAcceptAnything"}]}"#)?;
    oci::install(&crun())?;
    Daemon::start(&mut Command::new("crio"), "/e2e/logs/crio.log", SOCKET)
}

/// Its configuration.
pub(super) fn configuration(pause: &str) -> String {
    format!(
        r#"[crio.image]
pause_image = "{pause}"

# No systemd here that could manage cgroups.
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
pinns_path = "{}"

[crio.runtime.runtimes.crun]
runtime_path = "{SCRIPT}"
monitor_path = "{}"
"#,
        path("pinns", "/usr/bin/pinns"),
        path("conmon", "/usr/bin/conmon"),
    )
}

/// Where `program` is, or would be.
fn path(program: &str, usual: &str) -> String {
    find(program).map_or(usual.to_owned(), |file| file.display().to_string())
}

/// crun itself, which [`SCRIPT`] runs.
pub(crate) fn crun() -> String {
    path("crun", "/usr/bin/crun")
}

/// An image's name in its storage.
pub(super) fn stored(reference: &str) -> String {
    format!("containers-storage:{reference}")
}
