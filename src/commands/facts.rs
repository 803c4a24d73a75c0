//! The facts of this machine, where its own files settle what they leave open.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{HostFacts, Paths};
use crate::host::{self, Host, RealHost};
use crate::node::identity;

/// Phases that work with the container runtime, of whichever command: those that kubeadm gives the flag `--cri-socket`.
const WITH_RUNTIME: &[&str] =
    &["preflight", "kubelet-start", "kubelet-wait-bootstrap", "upload-config", "cleanup-node"];

/// The facts. Of several runtimes, the one that kubelet uses here stands for all.
pub(super) fn facts() -> HostFacts {
    let mut facts = host::gather();
    if facts.cri_sockets.len() > 1
        && let Some(of_kubelet) = of_kubelet(&RealHost::new())
    {
        let real = |socket: &str| -> Option<PathBuf> {
            fs::canonicalize(Path::new(socket.strip_prefix("unix://").unwrap_or(socket))).ok()
        };
        // The same may be written in several ways: /var/run is /run.
        let used =
            real(&of_kubelet).filter(|_| facts.cri_sockets.iter().any(|s| real(s) == real(&of_kubelet)));
        facts.cri_sockets.retain(|socket| used.is_none() || real(socket) == used);
    }
    facts
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
