//! What a run begins with: this node, its settings, and how far it has come.

use std::sync::Arc;
use std::time::Duration;

use crate::certs::rotation::{Progress, Staging};
use crate::cluster::{self, Recorder, stored};
use crate::commands::init;
use crate::commands::this_node::{ThisNode, Wishes, take_up};
use crate::config::Timeouts;
use crate::config::version::prefixed;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{DryRunHost, Lock, RealHost, remove_all_leftovers};
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::output::Printer;
use crate::workflow::{DryRun, Folder, Run, Seams};
use crate::workflows::rotate_ca::Rotation;

/// The area of log lines.
pub(super) const AREA: &str = "rotate-ca";
/// For how long a request is repeated where nothing has been begun: an API server that is down is told at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// What kind of node this is.
pub(super) enum Node {
    /// It runs a control plane.
    ControlPlane(Box<Begun>),
    /// It runs none.
    Worker(Box<Run>),
}

/// A run on a control-plane node.
pub(super) struct Begun {
    /// The state of the workflow.
    pub(super) rotation: Rotation,
    /// What a dry run writes to.
    pub(super) dry: Option<Dry>,
    /// Keeps other runs out.
    pub(super) lock: Option<Lock>,
}

/// What a dry run writes to.
pub(super) struct Dry {
    /// Files.
    pub(super) host: Arc<DryRunHost>,
    /// Objects.
    pub(super) recorder: Recorder,
}

/// Begins a run.
///
/// # Errors
/// When the cluster can't be asked, or another run is at work.
pub(super) fn begin(dry_run: bool, force: bool, out: &Printer) -> Result<Node, Error> {
    let (host, paths) = (RealHost::new(), ThisNode::paths());
    let api_server = StaticPod::read(&paths.manifests, Component::ApiServer, &host)?;
    let certificates = api_server.as_ref().and_then(StaticPod::certificates_folder);
    let certificates = certificates.unwrap_or_else(|| paths.certificates.clone());
    let earlier = Progress::read(&Staging::of(&certificates), &host)?;
    let folders = [Folder::Certificates, Folder::Kubeconfigs, Folder::Manifests];
    let lock = if dry_run { None } else { Some(init::lock(&paths, &folders, "certs rotate-ca")?) };
    let kubeconfig = paths.kubeconfig(if api_server.is_some() { "admin.conf" } else { "kubelet.conf" });
    let mut cluster = cluster::of_kubeconfig(kubeconfig, PATIENCE)?;
    if !dry_run {
        take_up(&host, AREA, out)?;
    }
    if earlier.is_some() {
        cluster.outlast(Timeouts::of(None).kubernetes_api);
    }
    out.log(AREA, "Reading the configuration from ConfigMap kube-system/kubeadm-config");
    let stored = stored::read(&mut *cluster)?;
    let version = prefixed(&stored.loaded.cluster.kubernetes_version);
    let version =
        version.map(|(_, version)| version).map_err(|e| Error::new(ExitStatus::Failed, e.to_string()))?;
    let node = ThisNode::find(&host, &mut *cluster)?;
    let settings = node.settings(&stored, &version, &Wishes::default(), out)?.settings;
    let limit = settings.node.timeouts.kubernetes_api;
    let kubeconfig =
        settings.node.paths.kubeconfig(if api_server.is_some() { "admin.conf" } else { "kubelet.conf" });
    let mut cluster = cluster::of_kubeconfig(kubeconfig, limit)?;
    cluster.outlast(limit);
    if !dry_run {
        remove_all_leftovers(settings.node.paths.folders());
    }
    let (seams, dry) = if dry_run {
        let DryRun { seams, host, recorder, .. } = Seams::dry(&settings, None, 0)?;
        (seams, Some(Dry { host, recorder }))
    } else {
        (Seams::real(&settings, None, 0)?, None)
    };
    let mut run = Run::new(settings, seams, out.clone(), false);
    run.join_cluster(cluster);
    if api_server.is_none() {
        return Ok(Node::Worker(Box::new(run)));
    }
    let rotation = Rotation { run, progress: earlier.unwrap_or_default(), force };
    Ok(Node::ControlPlane(Box::new(Begun { rotation, dry, lock })))
}
