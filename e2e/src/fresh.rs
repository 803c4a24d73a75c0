//! What a node looks like that has been reset.

use std::fs;
use std::path::Path;

use anyhow::ensure;

use super::node::Node;

/// Folders in which nothing may be left.
const EMPTY: &[&str] =
    &["/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/etcd", "/var/lib/kubelet"];
/// Files that must be gone.
const GONE: &[&str] = &[
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/scheduler.conf",
];

/// Nothing runs, nothing is mounted, no file is left.
///
/// # Errors
/// When something is: all of it.
pub(crate) fn assert(node: &Node) -> anyhow::Result<()> {
    let mut left = vec![];
    left.extend(node.tasks()?.into_iter().map(|id| format!("container {id}")));
    left.extend(node.processes("kubelet").into_iter().map(|pid| format!("kubelet as process {pid}")));
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mounts = mounts.lines().filter_map(|l| l.split(' ').nth(1));
    left.extend(mounts.filter(|m| m.starts_with("/var/lib/kubelet/")).map(|m| format!("mount {m}")));
    for folder in EMPTY {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        left.extend(entries.map(|e| e.path().display().to_string()));
    }
    left.extend(GONE.iter().filter(|f| Path::new(f).exists()).map(|f| (*f).to_owned()));
    ensure!(left.is_empty(), "reset left behind:\n  {}", left.join("\n  "));
    Ok(())
}
