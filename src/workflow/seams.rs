//! What a run acts through, assembled in one place: the machine and the cluster, or dry runs of them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cluster::{self, Cluster, Recorder};
use crate::config::Settings;
use crate::error::Error;
use crate::health::{DryWatch, LiveWatch, Watch};
use crate::host::{ContainerRuntime, CriRuntime, DryRunHost, DryRuntime, Host, RealHost};
use crate::pki::KeyPool;
use crate::preflight::{Before, Beside, Checks, Machine, RealMachine};

/// What a run acts through.
pub(crate) struct Seams {
    pub(super) host: Arc<dyn Host>,
    pub(super) cluster: Box<dyn Cluster>,
    pub(super) machine: Arc<dyn Machine>,
    pub(super) checks: Box<dyn Checks>,
    pub(super) runtime: Arc<dyn ContainerRuntime>,
    pub(super) watch: Box<dyn Watch>,
    pub(super) keys: KeyPool,
    pub(super) recorder: Option<Recorder>,
}

/// The seams of a dry run, with what is asked of them at its end.
pub(crate) struct DryRun {
    /// What to run with.
    pub(crate) seams: Seams,
    /// Holds the files that would have been written.
    pub(crate) host: Arc<DryRunHost>,
    /// Holds the objects that would have been applied.
    pub(crate) recorder: Recorder,
    /// The checks, which run beside the work.
    pub(crate) checks: Beside,
}

impl Seams {
    /// The machine, and the cluster that its administrator's kubeconfig (or `kubeconfig`) leads to.
    ///
    /// # Errors
    /// When the machine can't be set up to be asked.
    pub(crate) fn real(settings: &Settings, kubeconfig: Option<PathBuf>, keys: usize) -> Result<Self, Error> {
        let runtime = runtime(settings)?;
        let machine: Arc<dyn Machine> = Arc::new(RealMachine::new(Arc::clone(&runtime)));
        Ok(Self {
            host: Arc::new(RealHost::new()),
            cluster: cluster::of_node(settings, kubeconfig, settings.node.timeouts.kubernetes_api, false)?,
            checks: Box::new(Before(Arc::clone(&machine))),
            machine,
            runtime,
            watch: Box::new(LiveWatch::default()),
            keys: KeyPool::start(settings.cluster.algorithm, keys),
            recorder: None,
        })
    }

    /// A dry run, which leaves its result in `dir` if that is given.
    ///
    /// # Errors
    /// When `dir` can't be used.
    pub(crate) fn dry(settings: &Settings, dir: Option<PathBuf>, keys: usize) -> Result<DryRun, Error> {
        let algorithm = settings.cluster.algorithm;
        let keys = match dir {
            Some(_) => KeyPool::start(algorithm, keys),
            // Nobody sees what a dry run signs.
            None => KeyPool::stand_in(algorithm, keys),
        };
        let host = Arc::new(DryRunHost::new(dir).map_err(Error::usage)?);
        let runtime: Arc<dyn ContainerRuntime> =
            Arc::new(DryRuntime::new(settings.cri_socket()).map_err(Error::usage)?);
        let machine: Arc<dyn Machine> = Arc::new(RealMachine::new(Arc::clone(&runtime)));
        let (recorder, checks) = (Recorder::default(), Beside::new(Arc::clone(&machine)));
        let seams = Self {
            host: host.clone(),
            cluster: Box::new(recorder.clone()),
            machine,
            checks: Box::new(checks.clone()),
            runtime,
            watch: Box::new(DryWatch::default()),
            keys,
            recorder: Some(recorder.clone()),
        };
        Ok(DryRun { seams, host, recorder, checks })
    }

    /// The same with another cluster.
    #[must_use]
    pub(crate) fn with_cluster(self, cluster: Box<dyn Cluster>) -> Self {
        Self { cluster, ..self }
    }

    /// The same on another machine.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn with_host(self, host: Arc<dyn Host>) -> Self {
        Self { host, recorder: None, ..self }
    }

    /// The same with other keys.
    #[must_use]
    pub(crate) fn with_keys(self, keys: KeyPool) -> Self {
        Self { keys, ..self }
    }
}

/// What preflight checks measure.
///
/// # Errors
/// When the CRI socket is none.
pub(crate) fn machine(settings: &Settings) -> Result<Arc<dyn Machine>, Error> {
    Ok(Arc::new(RealMachine::new(runtime(settings)?)))
}

fn runtime(settings: &Settings) -> Result<Arc<dyn ContainerRuntime>, Error> {
    Ok(Arc::new(CriRuntime::new(settings.cri_socket()).map_err(Error::usage)?))
}
