//! The facts of this machine, where its own files settle what they leave open.

use std::fs;
use std::path::PathBuf;

use crate::config::{HostFacts, Paths};
use crate::host::cri::CriEndpoint;
use crate::host::{self, Host, RealHost};
use crate::node::identity;

/// Phases of init and join that work with the container runtime: those that kubeadm gives the flag `--cri-socket`.
const WITH_RUNTIME: &[&str] = &["preflight", "kubelet-start", "kubelet-wait-bootstrap", "upload-config"];

/// The facts. Of several runtimes, the one that kubelet uses here stands for all.
pub(super) fn facts() -> HostFacts {
    let mut facts = host::gather();
    if facts.cri_sockets.len() > 1 {
        let used = of_kubelet(&RealHost::new()).and_then(|endpoint| file_of(&endpoint));
        let is_used = |socket: &String| {
            let file = socket.parse().ok().and_then(|endpoint| file_of(&endpoint));
            file.is_some() && file == used
        };
        if facts.cri_sockets.iter().any(is_used) {
            facts.cri_sockets.retain(is_used);
        }
    }
    facts
}

/// The file of a socket, by whichever way to it: /var/run is /run.
fn file_of(endpoint: &CriEndpoint) -> Option<PathBuf> {
    fs::canonicalize(endpoint.path()).ok()
}

/// The container runtime's socket that kubelet uses here, by its own files, if it can be one.
pub(super) fn of_kubelet(host: &dyn Host) -> Option<CriEndpoint> {
    let socket = identity::cri_socket(&Paths::new("/etc/kubernetes/pki", None), host).ok().flatten()?;
    socket.parse().ok()
}

/// Whether it matters which container runtime is chosen, for one phase of init or join or for all.
pub(super) fn needs_runtime(only: Option<&str>) -> bool {
    only.is_none_or(|phase| WITH_RUNTIME.contains(&phase.split('/').next().unwrap_or_default()))
}
