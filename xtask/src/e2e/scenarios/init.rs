//! `init` with kubeadm's defaults.

use anyhow::ensure;

use crate::e2e::cluster::{self, COMPONENTS, mirror, mirror_name, uid};
use crate::e2e::node::{MINUTE, Node};
use crate::e2e::wait::eventually;

/// Runs it.
pub(super) fn run(node: &mut Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let before = cluster::containers(node)?;
    for component in COMPONENTS {
        let old = mirror(node, component)?;
        let name = mirror_name(component);
        node.kubectl(&["--namespace", "kube-system", "delete", "pod", &name, "--wait=false"])?;
        eventually(&format!("{name} comes back"), MINUTE, || {
            let new = mirror(node, component)?;
            ensure!(uid(&new) != uid(&old), "it is the old one");
            cluster::is_ready_mirror(&new)
        })?;
    }
    ensure!(cluster::containers(node)? == before, "deleting mirror Pods restarted containers");
    Ok(())
}
