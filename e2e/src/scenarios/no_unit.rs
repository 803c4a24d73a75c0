//! kubelet without the unit, or without the drop-in, that packages bring.

use std::fs;

use anyhow::ensure;

use crate::cluster;
use crate::command::check;
use crate::node::Node;
use crate::systemd;

/// kubelet's own package brings a unit that knows of no configuration.
pub(super) fn no_drop_in(node: &Node) -> anyhow::Result<()> {
    fs::remove_dir_all(format!("{}/kubelet.service.d", systemd::PACKAGED))?;
    node.init()?;
    cluster::healthy(node)
}

/// kubelet as a bare program.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    check("systemctl", &["disable", "kubelet"])?;
    fs::remove_file(format!("{}/kubelet.service", systemd::PACKAGED))?;
    fs::remove_dir_all(format!("{}/kubelet.service.d", systemd::PACKAGED))?;
    node.init()?;
    cluster::healthy(node)?;
    let enabled = node.run("systemctl", &["is-enabled", "kubelet"])?;
    ensure!(enabled.stdout.trim() == "enabled", "kubelet's unit is {}", enabled.stdout.trim());
    Ok(())
}
