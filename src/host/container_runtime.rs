//! The container-runtime seam: what this program has a runtime do, apart from watching its containers.

mod dry;

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::block_on::block_on;
use super::cri::{
    ContainerJob, CriCause, CriClient, CriEndpoint, CriError, EndpointError, JobEnd, PullError, PullEvent,
    PullOptions, RuntimeFacts, conversation, job, job::JobSandbox, pull_all,
};
pub(crate) use dry::DryRuntime;

/// How long the runtime may take to say whether it has an image. Without an answer the image would be pulled, which
/// fails on a machine without a network.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The container runtime of this machine.
pub(crate) trait ContainerRuntime: Send + Sync {
    /// What it says about itself.
    ///
    /// # Errors
    /// When it does not answer as a CRI v1 runtime does.
    fn facts(&self) -> Result<RuntimeFacts, CriError>;

    /// Starts a sandbox under the cgroup `parent` (empty: the runtime's default), and keeps it for [`Self::run_together`].
    ///
    /// # Errors
    /// What the runtime says.
    fn start_sandbox(&self, parent: &str) -> Result<(), CriError>;

    /// Begins to remove the sandbox that was started, if it is still kept.
    fn release_sandbox(&self) {}

    /// Waits until the sandbox that was started is removed.
    ///
    /// # Errors
    /// When it can't be removed.
    fn sandbox_removed(&self) -> Result<(), CriError>;

    /// Pulls an image once, as a test.
    ///
    /// # Errors
    /// What the runtime says.
    fn pull_once(&self, image: &str) -> Result<(), CriError>;

    /// Pulls images, with retries; gives those that could not be pulled.
    ///
    /// # Errors
    /// When the runtime can't be asked at all.
    fn pull(
        &self,
        images: &[String],
        options: PullOptions,
        progress: &mut (dyn FnMut(PullEvent) + Send),
    ) -> Result<Vec<PullError>, CriError>;

    /// Stops and removes the Pods that kubelet ran; gives their number.
    ///
    /// # Errors
    /// For each Pod that could not be removed, or why the runtime can't be asked.
    fn remove_pods(&self) -> Result<usize, Vec<String>>;

    /// Stops a Pod of kube-system by its name: its containers are asked to end, and killed when `grace` is over. Gives
    /// the ids of containers that still run.
    ///
    /// # Errors
    /// What the runtime says.
    fn stop_pod(&self, name: &str, grace: Duration) -> Result<Vec<String>, CriError>;

    /// Ends the containers of a Pod of kube-system, as [`Self::stop_pod`] does; kubelet, which runs, starts them again.
    ///
    /// # Errors
    /// What the runtime says.
    fn end_containers(&self, name: &str, grace: Duration) -> Result<(), CriError>;

    /// The image that a container of a Pod of kube-system runs, as the runtime calls it; none where none runs.
    ///
    /// # Errors
    /// What the runtime says.
    fn running_image(&self, name: &str, container: &str) -> Result<Option<String>, CriError>;

    /// Runs a container to its end, and removes it.
    ///
    /// # Errors
    /// What the runtime says; that the container's program failed is no error of the runtime.
    fn run_to_end(&self, job: &ContainerJob) -> Result<JobEnd, CriError>;

    /// Runs containers to their ends, all at once in one sandbox, which is the one that is kept if there is one, and begins
    /// to remove it.
    fn run_together(&self, jobs: &[ContainerJob]) -> Vec<Result<JobEnd, CriError>> {
        jobs.iter().map(|job| self.run_to_end(job)).collect()
    }
}

/// A runtime behind a CRI socket.
pub(crate) struct CriRuntime {
    endpoint: CriEndpoint,
    /// The sandbox that is kept for containers.
    sandbox: Mutex<Option<JobSandbox>>,
    /// Sandboxes that were started are being removed.
    removal: Mutex<Option<JoinHandle<Result<(), CriError>>>>,
}

impl CriRuntime {
    /// The runtime at a socket. It is reached when it is first asked.
    ///
    /// # Errors
    /// When that is not the address of a socket.
    pub(crate) fn new(socket: &str) -> Result<Self, EndpointError> {
        Ok(Self { endpoint: socket.parse()?, sandbox: Mutex::default(), removal: Mutex::default() })
    }

    fn talk<T>(&self, conversation: impl Future<Output = Result<T, CriError>>) -> Result<T, CriError> {
        talk(&self.endpoint, conversation)
    }

    fn take_kept(&self) -> Option<JobSandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Removing takes as long as starting, and nothing depends on it. That it failed is reported of a check's sandbox
    /// alone: others are started where kubelet may run, which removes them too.
    fn begin_removal(&self, sandbox: JobSandbox, is_check: bool) {
        let endpoint = self.endpoint.clone();
        let mut removal = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        let before = removal.take();
        *removal = Some(std::thread::spawn(move || {
            let removed = talk(&endpoint, job::remove(&endpoint, &sandbox));
            let removed = removed.or_else(|error| if is_check { Err(error) } else { Ok(()) });
            before.and_then(|thread| thread.join().ok()).unwrap_or(Ok(())).and(removed)
        }));
    }
}

impl Drop for CriRuntime {
    fn drop(&mut self) {
        // A run that ends early leaves no sandbox behind. That it can't be removed is reported where it is waited for.
        let _ = self.sandbox_removed();
    }
}

impl ContainerRuntime for CriRuntime {
    fn facts(&self) -> Result<RuntimeFacts, CriError> {
        self.talk(conversation::facts(&self.endpoint))
    }

    fn start_sandbox(&self, parent: &str) -> Result<(), CriError> {
        let sandbox = self.talk(job::start(&self.endpoint, "preflight", parent))?;
        let mut kept = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = kept.replace(sandbox) {
            self.begin_removal(before, true);
        }
        Ok(())
    }

    fn release_sandbox(&self) {
        if let Some(sandbox) = self.take_kept() {
            self.begin_removal(sandbox, true);
        }
    }

    fn sandbox_removed(&self) -> Result<(), CriError> {
        self.release_sandbox();
        let removal = self.removal.lock().unwrap_or_else(PoisonError::into_inner).take();
        removal.and_then(|thread| thread.join().ok()).unwrap_or(Ok(()))
    }

    fn pull_once(&self, image: &str) -> Result<(), CriError> {
        self.talk(conversation::pull_once(&self.endpoint, image))
    }

    fn pull(
        &self,
        images: &[String],
        options: PullOptions,
        progress: &mut (dyn FnMut(PullEvent) + Send),
    ) -> Result<Vec<PullError>, CriError> {
        self.talk(async {
            let client = CriClient::connect(&self.endpoint).await?.with_timeout(ANSWER_LIMIT);
            Ok(pull_all(&client, images, options, progress).await)
        })
    }

    fn remove_pods(&self) -> Result<usize, Vec<String>> {
        block_on(conversation::remove_pods(&self.endpoint)).unwrap_or_else(|e| Err(vec![e.to_string()]))
    }

    fn stop_pod(&self, name: &str, grace: Duration) -> Result<Vec<String>, CriError> {
        self.talk(conversation::stop_pod(&self.endpoint, name, grace))
    }

    fn end_containers(&self, name: &str, grace: Duration) -> Result<(), CriError> {
        self.talk(conversation::end_containers(&self.endpoint, name, grace))
    }

    fn running_image(&self, name: &str, container: &str) -> Result<Option<String>, CriError> {
        self.talk(conversation::running_image(&self.endpoint, name, container))
    }

    fn run_to_end(&self, job: &ContainerJob) -> Result<JobEnd, CriError> {
        self.talk(job::run(&self.endpoint, job))
    }

    fn run_together(&self, jobs: &[ContainerJob]) -> Vec<Result<JobEnd, CriError>> {
        let Some(first) = jobs.first() else { return vec![] };
        let kept = self.take_kept();
        let is_check = kept.is_some();
        let sandbox =
            kept.map(Ok).unwrap_or_else(|| self.talk(job::start_anywhere(&self.endpoint, &first.name)));
        let sandbox = match sandbox {
            Ok(sandbox) => sandbox,
            Err(error) => return vec![Err(error); jobs.len()],
        };
        let ended = std::thread::scope(|scope| {
            let sandbox = &sandbox;
            let run = |job| scope.spawn(move || self.talk(job::run_in(&self.endpoint, sandbox, job)));
            let threads: Vec<_> = jobs.iter().map(run).collect();
            let panicked = |_| {
                let message = "the thread that waited for it panicked".to_owned();
                let cause = CriCause::Connection { message };
                Err(CriError { endpoint: self.endpoint.clone(), call: "ContainerStatus", cause })
            };
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        });
        self.begin_removal(sandbox, is_check);
        ended
    }
}

/// Has a conversation with the runtime at `endpoint`.
///
/// # Errors
/// What the conversation gives, and when it can't begin.
pub(crate) fn talk<T>(
    endpoint: &CriEndpoint,
    conversation: impl Future<Output = Result<T, CriError>>,
) -> Result<T, CriError> {
    let failed = |error: std::io::Error| CriError {
        endpoint: endpoint.clone(),
        call: "connect",
        cause: CriCause::Connection { message: error.to_string() },
    };
    block_on(conversation).map_err(failed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dry_run_pulls_and_starts_nothing_and_needs_no_runtime() {
        let runtime = DryRuntime::new("unix:///no/such.sock").unwrap();
        let mut events = vec![];
        let images = vec!["a".to_owned(), "b".to_owned()];
        let failed = runtime.pull(&images, PullOptions::default(), &mut |e| events.push(e)).unwrap();
        assert_eq!((failed, events), (vec![], vec![PullEvent::Would(images)]));
        assert_eq!((runtime.start_sandbox(""), runtime.remove_pods()), (Ok(()), Ok(0)));
        assert!(runtime.facts().is_err(), "it is asked for real");
    }

    #[test]
    fn runtime_that_is_not_there_is_an_error_of_every_call() {
        let runtime = CriRuntime::new("unix:///no/such.sock").unwrap();
        assert_eq!(runtime.facts().unwrap_err().cause, CriCause::NoSocket);
        assert_eq!(runtime.start_sandbox("").unwrap_err().cause, CriCause::NoSocket);
        let failed = runtime.remove_pods().unwrap_err();
        assert!(failed.len() == 1 && failed[0].contains("/no/such.sock"), "{failed:?}");
        assert!(CriRuntime::new("tcp://127.0.0.1:1").is_err());
    }
}
