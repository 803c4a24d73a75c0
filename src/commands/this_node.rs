//! This node, as far as its own files and its Node tell, and its settings for a version.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::Value;

use crate::cluster::stored::Stored;
use crate::cluster::{Cluster, Recorder};
use crate::commands::configuration::unusable;
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::config::v1beta4::{Patches, Timeouts};
use crate::config::{HostFacts, KubernetesVersion, Overrides, Paths, Release, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{self, CriRuntime, Host};
use crate::node::{self, StaticPods, identity};
use crate::output::Printer;

/// Where kubeadm before 1.34 kept the container runtime's socket.
const CRI_SOCKET: &str = "/metadata/annotations/kubeadm.alpha.kubernetes.io~1cri-socket";

/// Completes the restart of a component, if a run was killed that had stopped kubelet for one. To be called with the
/// lock of this machine.
///
/// # Errors
/// When that can't be done.
pub(super) fn take_up(host: &dyn Host, area: &str, out: &Printer) -> Result<(), Error> {
    if !node::is_left_stopped(host) {
        return Ok(());
    }
    out.log(area, "Starting kubelet, which an interrupted run of kubestrap had stopped");
    let node = ThisNode::find(host, &mut Recorder::default())?;
    let runtime = CriRuntime::new(&node.cri_socket)
        .map_err(|e| Error::new(ExitStatus::Failed, format!("{}: {e}", node.cri_socket)))?;
    StaticPods { host, runtime: &runtime, node_name: &node.name }.take_up()
}

/// Starts kubelet, which an interrupted run may have stopped: without it no API server comes back. One that still runs
/// is restarted, since it may have been told to stop and be about to; the restart of a component is completed.
pub(super) fn start_kubelet(host: &dyn Host, area: &str, out: &Printer) {
    let started = if node::is_left_stopped(host) {
        take_up(host, area, out)
    } else {
        node::start_kubelet(host).map(drop)
    };
    if let Err(error) = started {
        out.warn(area, format!("kubelet can't be started: {error}"));
    }
}

/// This node.
#[derive(Clone, Debug)]
pub(super) struct ThisNode {
    /// The Node's name.
    pub(super) name: String,
    /// The container runtime's socket.
    pub(super) cri_socket: String,
    /// Where its API server listens; none on a worker.
    pub(super) endpoint: Option<SocketAddr>,
}

/// What of the command's configuration reaches the settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// The folder with the user's patches.
    pub(super) patches: Option<String>,
    /// Checks whose errors are warnings.
    pub(super) ignored: Vec<String>,
    /// When images are pulled.
    pub(super) image_pull_policy: String,
    /// Images are pulled one after the other.
    pub(super) image_pull_serial: Option<bool>,
    /// How long to wait for what.
    pub(super) timeouts: Option<Timeouts>,
}

/// Settings of this node for a version.
pub(super) struct ForVersion {
    /// The settings.
    pub(super) settings: Settings,
    /// Gates of kubeadm's that the version no longer has, with the value that is set.
    pub(super) lost_gates: Vec<(String, bool)>,
}

impl ThisNode {
    /// Asks this node's files; the Node in the cluster where they don't tell.
    ///
    /// # Errors
    /// When a file can't be used.
    pub(super) fn find(host: &dyn Host, cluster: &mut dyn Cluster) -> Result<Self, Error> {
        let paths = Paths::new("/etc/kubernetes/pki", None);
        let facts = host::gather();
        let name = match identity::node_name(&paths, host)? {
            Some(name) => name,
            None => facts.hostname.trim().to_lowercase(),
        };
        let endpoint = identity::api_server_endpoint(&paths.manifests, host)?;
        let cri_socket = match identity::cri_socket(&paths, host)? {
            Some(socket) => socket,
            None => {
                let node = cluster.get("Node", "", &name).ok().flatten();
                let annotated = node.as_ref().and_then(|n| n.pointer(CRI_SOCKET)).and_then(Value::as_str);
                annotated
                    .map(str::to_owned)
                    .or(facts.cri_sockets.first().cloned())
                    .unwrap_or_else(|| DEFAULT_CRI_SOCKET.into())
            }
        };
        let serves = endpoint.map_or("none, a worker".into(), |endpoint| endpoint.to_string());
        tracing::info!("this node: name {name}, CRI socket {cri_socket}, API server {serves}");
        Ok(Self { name, cri_socket, endpoint })
    }

    /// The settings of this node for `version`, from what the cluster stores.
    ///
    /// # Errors
    /// When the stored configuration can't be used with this version.
    pub(super) fn settings(
        &self,
        stored: &Stored,
        version: &KubernetesVersion,
        wishes: &Wishes,
        out: &Printer,
    ) -> Result<ForVersion, Error> {
        let release = Release::of(version).map_err(|e| Error::new(ExitStatus::Preflight, format!("{e}")))?;
        let mut loaded = stored.loaded.clone();
        loaded.cluster.kubernetes_version = version.to_string();
        let known = |gate: &String| release.feature_gates.contains(&gate.as_str());
        let lost_gates: Vec<(String, bool)> = loaded
            .cluster
            .feature_gates
            .iter()
            .filter(|(gate, _)| !known(gate))
            .map(|(gate, on)| (gate.clone(), *on))
            .collect();
        loaded.cluster.feature_gates.retain(|gate, _| known(gate));
        let init = &mut loaded.init;
        init.node_registration.name.clone_from(&self.name);
        init.node_registration.cri_socket.clone_from(&self.cri_socket);
        init.node_registration.image_pull_policy.clone_from(&wishes.image_pull_policy);
        init.node_registration.image_pull_serial = wishes.image_pull_serial;
        init.node_registration.ignore_preflight_errors.clone_from(&wishes.ignored);
        init.timeouts.clone_from(&wishes.timeouts);
        init.patches = wishes.patches.clone().map(|directory| Patches { directory });
        let mut facts: HostFacts = host::gather();
        if let Some(endpoint) = self.endpoint {
            init.local_api_endpoint.advertise_address = endpoint.ip().to_string();
            init.local_api_endpoint.bind_port = endpoint.port().into();
        } else if facts.default_addresses.is_empty() {
            // A worker advertises nothing.
            facts.default_addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let resolved = Settings::resolve(loaded, facts, &Overrides::default()).map_err(|e| unusable(&e))?;
        for warning in resolved.warnings.iter().filter(|w| !w.deprecation) {
            out.warn("config", warning.problem.to_string());
        }
        let mut settings = resolved.settings;
        settings.cluster.generated = stored.generated;
        Ok(ForVersion { settings, lost_gates })
    }

    /// Whether this node runs a control plane.
    pub(super) fn is_control_plane(&self) -> bool {
        self.endpoint.is_some()
    }

    /// Its folders.
    pub(super) fn paths() -> Paths {
        Paths::new("/etc/kubernetes/pki", None)
    }

    /// The folders that a run writes to, below which an interrupted run may have left temporary files.
    pub(super) fn folders() -> [PathBuf; 6] {
        Self::paths().folders()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::fake::FakeNode;
    use crate::output::Format;

    #[test]
    fn kubelet_that_may_be_about_to_stop_is_started_although_it_still_runs() {
        let node = FakeNode::default();
        start_kubelet(&node, "upgrade", &Printer::new(Format::Text).quiet());
        assert_eq!(node.events(), ["start kubelet"]);
    }
}
