//! CRI-O in the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::daemon::Daemon;
use crate::command::{check, find};

/// Where it listens.
pub(super) const SOCKET: &str = "/var/run/crio/crio.sock";
/// Its configuration's folder, and the file of ours in it.
const FOLDER: &str = "/etc/crio/crio.conf.d";
const FILE: &str = "10-e2e.conf";
/// Whose images are taken: anybody's, as distributions have it.
const POLICY: &str = "/etc/containers/policy.json";
/// What it runs containers with.
pub(crate) const CRUN: &str = "/run/e2e-crun";
/// Without CAP_SYS_RESOURCE (as in many sandboxes) no process may be made less likely to be killed, and CRI-O has no
/// setting for that. Nor has it one for a hugetlb controller of cgroup v2 beside the others of v1.
const CRUN_SCRIPT: &str = r#"#!/bin/sh
own=$(cat /proc/self/oom_score_adj)
unlimited='s/"hugepageLimits":\[[^]]*\],//; s/,"hugepageLimits":\[[^]]*\]//'
for word; do
    [ "$before" = --bundle ] && sed -i -E 's/"oomScoreAdj": ?-[0-9]+/"oomScoreAdj":'"$own/; $unlimited" "$word/config.json"
    before=$word
done
exec CRUN "$@"
"#;

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
    fs::write(CRUN, CRUN_SCRIPT.replace("CRUN", &crun()))?;
    fs::set_permissions(CRUN, fs::Permissions::from_mode(0o755))?;
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
runtime_path = "{CRUN}"
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

/// crun itself, which [`CRUN`] runs.
pub(crate) fn crun() -> String {
    path("crun", "/usr/bin/crun")
}

/// An image's name in its storage.
pub(super) fn stored(reference: &str) -> String {
    format!("containers-storage:{reference}")
}

/// Runs skopeo.
///
/// # Errors
/// When it fails.
pub(super) fn skopeo(args: &[&str]) -> anyhow::Result<()> {
    check("skopeo", args).map(drop)
}
