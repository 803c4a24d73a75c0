//! A machine under OpenRC, its real programs: kubelet without a service that packages bring.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::rerun;
use crate::cluster;
use crate::command::check;
use crate::machine::PROGRAMS;
use crate::node::{Node, PATIENCE};
use crate::systemd;
use crate::wait::eventually;

const RUNLEVELS: [&str; 3] = ["sysinit", "boot", "default"];

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    install(node)?;
    node.init()?;
    cluster::healthy(node)?;
    ensure!(in_runlevel(node)?, "kubelet would not start at boot");
    rerun::changes_nothing(node, || node.init())?;
    let old = node.processes("kubelet");
    for pid in &old {
        check("kill", &["-KILL", &pid.to_string()])?;
    }
    eventually("OpenRC restarts kubelet", PATIENCE, || {
        let new = node.processes("kubelet");
        ensure!(!new.is_empty() && new.iter().all(|pid| !old.contains(pid)), "kubelet runs as {new:?}");
        Ok(())
    })?;
    node.run("rc-service", &["kubelet", "stop"])?.success()?;
    let told = node.run("kubestrap", &["diagnose"])?;
    ensure!(told.code == Some(4), "diagnose ended with {:?}", told.code);
    ensure!(told.stdout.contains("`rc-service kubelet start`"), "no fix in OpenRC's words: {}", told.stdout);
    ensure!(
        !["systemctl", "journalctl"].iter().any(|word| told.stdout.contains(word)),
        "systemd's words: {}",
        told.stdout
    );
    node.run("rc-service", &["kubelet", "start"])?.success()?;
    cluster::healthy(node)?;
    node.reset()?;
    ensure!(node.processes("kubelet").is_empty(), "kubelet runs after reset");
    ensure!(!in_runlevel(node)?, "kubelet would start at boot after reset");
    node.init()?;
    cluster::healthy(node)
}

fn in_runlevel(node: &Node) -> anyhow::Result<bool> {
    let shown = node.run("rc-update", &["show", "default"])?.success()?.stdout;
    Ok(shown.lines().any(|line| line.split_whitespace().next() == Some("kubelet")))
}

/// Installs OpenRC in place of systemd, and starts it.
fn install(node: &Node) -> anyhow::Result<()> {
    let mut programs = node.plan.programs.iter();
    let (_, openrc) = programs.find(|(name, _)| name == "openrc").context("no OpenRC")?;
    let tree = openrc.parent().and_then(Path::parent).context("openrc lies in no folder")?;
    for folder in ["bin", "sbin", "lib", "etc", "usr"] {
        let source = tree.join(folder);
        if source.is_dir() {
            check("cp", &["-r", "--", &format!("{}/.", source.display()), &format!("/{folder}")])?;
        }
    }
    for name in ["systemctl", "journalctl"] {
        for folder in [PROGRAMS, "/usr/bin", "/bin"] {
            let program = Path::new(folder).join(name);
            if program.symlink_metadata().is_ok() {
                fs::remove_file(&program)?;
            }
        }
    }
    for unit in
        ["kubelet.service", "kubelet.service.d"].map(|unit| PathBuf::from(systemd::PACKAGED).join(unit))
    {
        if unit.is_dir() { fs::remove_dir_all(unit) } else { fs::remove_file(unit) }?;
    }
    // What this machine's packages would start is not the node's.
    let _ = fs::remove_dir_all("/etc/runlevels");
    for runlevel in RUNLEVELS {
        fs::create_dir_all(Path::new("/etc/runlevels").join(runlevel))?;
    }
    for runlevel in RUNLEVELS {
        node.run("openrc", &[runlevel])?;
    }
    Ok(())
}
