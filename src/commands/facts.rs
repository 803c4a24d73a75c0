//! The facts of this machine, where its own files settle what they leave open.

use std::fs;
use std::path::PathBuf;

use crate::config::{HostFacts, Paths};
use crate::host::{self, Host, RealHost};
use crate::node::identity;

/// Phases that work with the container runtime, of whichever command: those that kubeadm gives the flag `--cri-socket`.
const WITH_RUNTIME: &[&str] =
    &["preflight", "kubelet-start", "kubelet-wait-bootstrap", "upload-config", "cleanup-node"];

/// The facts. Of several runtimes, the one that kubelet uses here stands for all.
pub(super) fn facts() -> HostFacts {
    let mut facts = host::gather();
    if facts.cri_sockets.len() > 1 {
        let used = of_kubelet(&RealHost::new()).and_then(|socket| file_of(&socket));
        if facts.cri_sockets.iter().any(|socket| used.is_some() && file_of(socket) == used) {
            facts.cri_sockets.retain(|socket| file_of(socket) == used);
        }
    }
    facts
}

/// The file of a socket, however it is written: /var/run is /run.
fn file_of(socket: &str) -> Option<PathBuf> {
    fs::canonicalize(socket.strip_prefix("unix://").unwrap_or(socket)).ok()
}

/// The container runtime's socket that kubelet uses here, by its own files, if it can be one.
pub(super) fn of_kubelet(host: &dyn Host) -> Option<String> {
    let socket = identity::cri_socket(&Paths::new("/etc/kubernetes/pki", None), host).ok().flatten()?;
    let path = socket.strip_prefix("unix://").unwrap_or(&socket);
    path.starts_with('/').then_some(socket)
}

/// Whether it matters which container runtime is chosen, for one phase or for all.
pub(super) fn needs_runtime(only: Option<&str>) -> bool {
    only.is_none_or(|phase| WITH_RUNTIME.contains(&phase.split('/').next().unwrap_or_default()))
}
