//! A dry run of a container runtime.

use std::time::Duration;

use super::super::cri::{
    ContainerJob, CriError, EndpointError, JobEnd, PullError, PullEvent, PullOptions, RuntimeFacts,
};
use super::{ContainerRuntime, CriRuntime};

/// A dry run of a runtime: it can be asked, but pulls, starts and removes nothing.
pub(crate) struct DryRuntime(CriRuntime);

impl DryRuntime {
    /// A dry run of the runtime at a socket.
    ///
    /// # Errors
    /// When that is not the address of a socket.
    pub(crate) fn new(socket: &str) -> Result<Self, EndpointError> {
        CriRuntime::new(socket).map(Self)
    }
}

impl ContainerRuntime for DryRuntime {
    fn facts(&self) -> Result<RuntimeFacts, CriError> {
        self.0.facts()
    }

    fn start_sandbox(&self, _: &str) -> Result<(), CriError> {
        Ok(())
    }

    fn sandbox_removed(&self) -> Result<(), CriError> {
        Ok(())
    }

    fn pull_once(&self, _: &str) -> Result<(), CriError> {
        Ok(())
    }

    fn pull(
        &self,
        images: &[String],
        _: PullOptions,
        progress: &mut (dyn FnMut(PullEvent) + Send),
    ) -> Result<Vec<PullError>, CriError> {
        progress(PullEvent::Would(images.to_vec()));
        Ok(vec![])
    }

    fn remove_pods(&self) -> Result<usize, Vec<String>> {
        Ok(0)
    }

    fn stop_pod(&self, _: &str, _: Duration) -> Result<Vec<String>, CriError> {
        Ok(vec![])
    }

    fn end_containers(&self, _: &str, _: Duration) -> Result<(), CriError> {
        Ok(())
    }

    fn running_image(&self, _: &str, _: &str) -> Result<Option<String>, CriError> {
        Ok(None)
    }

    fn run_to_end(&self, _: &ContainerJob) -> Result<JobEnd, CriError> {
        Ok(JobEnd::default())
    }
}
