//! What every command below `upgrade` reads first: what the cluster stores and runs, and who this node is.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::stored::{self, Stored};
use crate::cluster::{self, Cluster};
use crate::commands::this_node::ThisNode;
use crate::config::KubernetesVersion;
use crate::config::version::{is_label, prefixed};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{RealHost, label};
use crate::output::Printer;
use crate::workflows::upgrade::survey::{Survey, survey};

/// The area of log lines.
pub(super) const AREA: &str = "upgrade";
/// For how long a request is repeated where nothing has been begun: an API server that is down is told at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was read.
pub(super) struct Context {
    /// The way to the cluster.
    pub(super) cluster: Box<dyn Cluster>,
    /// What the cluster stores of its configuration.
    pub(super) stored: Stored,
    /// What it runs.
    pub(super) survey: Survey,
    /// Its version: that of its newest API server, else the stored one.
    pub(super) current: KubernetesVersion,
    /// This node.
    pub(super) node: ThisNode,
}

impl Context {
    /// Reads it through a kubeconfig. An API server that may just have been started is waited for as long as `starting`
    /// says. A worker may read no more than its own configuration: `whole` asks for what the cluster runs.
    ///
    /// # Errors
    /// When the cluster can't be read, or this node's files can't be used.
    pub(super) fn read(
        kubeconfig: PathBuf,
        starting: Option<Duration>,
        whole: bool,
        out: &Printer,
    ) -> Result<Self, Error> {
        out.log(
            AREA,
            "Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...",
        );
        let mut cluster = cluster::of_kubeconfig(kubeconfig, PATIENCE)?;
        starting.into_iter().for_each(|limit| cluster.outlast(limit));
        let stored = stored::read(&mut *cluster)?;
        for warning in stored.loaded.warnings.iter().filter(|w| !w.deprecation) {
            out.warn("config", warning.problem.to_string());
        }
        let survey = if whole { survey(&mut *cluster)? } else { Survey::default() };
        let version = &stored.loaded.cluster.kubernetes_version;
        let (_, stored_version) = prefixed(version).map_err(|e| {
            let message = format!("kubernetesVersion in ConfigMap kube-system/kubeadm-config: {e}");
            Error::new(ExitStatus::Failed, message)
        })?;
        let current = survey.version().unwrap_or(stored_version);
        let node = ThisNode::find(&RealHost::new(), &mut *cluster)?;
        Ok(Self { cluster, stored, survey, current, node })
    }
}

/// A version as it was given; a label is looked up on the internet, which nothing else does.
///
/// # Errors
/// When it is neither a version nor a label that can be looked up.
pub(super) fn version(text: &str) -> Result<KubernetesVersion, Error> {
    let usage = |what: String| Error::new(ExitStatus::Usage, what);
    if is_label(text) {
        let looked_up = |why| {
            usage(format!("could not look up version {text:?}: {why}\n  fix: give a version such as v1.36.2"))
        };
        return label::resolve(text).map_err(looked_up);
    }
    prefixed(text)
        .map(|(_, version)| version)
        .map_err(|e| usage(format!("{e}, nor a label such as `stable-1.36`")))
}
