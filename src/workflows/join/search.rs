//! The discovery of the cluster, which goes on while this machine is checked.

use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::config::v1beta4::Discovery;
use crate::discovery::{self, Discovered, DiscoveryError, Waiting};
use crate::error::Error;
use crate::workflow::Run;

/// How long a dry run looks for its cluster.
const DRY_RUN: Duration = Duration::from_secs(5);

/// A discovery that has begun. One that nobody waits for ends with the program.
pub(super) struct Search {
    told: Receiver<String>,
    thread: JoinHandle<Result<Result<Discovered, DiscoveryError>, std::io::Error>>,
}

impl Search {
    /// Begins it. What it waits for is told from [`Self::end`] on.
    pub(super) fn begin(run: &Run, discovery: &Discovery) -> Self {
        let limit = run.settings.node.timeouts.discovery;
        let limit = if run.watch.waits() { limit } else { limit.min(DRY_RUN) };
        let discovery = discovery.clone();
        let (tell, told) = channel();
        let thread = std::thread::spawn(move || {
            let mut known = None;
            let mut report = |waiting: &Waiting<'_>| {
                let (elapsed, limit) = (waiting.elapsed.as_secs(), waiting.limit.as_secs());
                let mut lines =
                    vec![format!("Waiting for the cluster ({elapsed} of {limit} s): {}", waiting.cause)];
                // What is wrong is told at once, with what to do, though it may pass: somebody may be watching.
                let kind = std::mem::discriminant(waiting.cause);
                if known.replace(kind) != Some(kind) {
                    lines.push(format!("If it stays so: {}", waiting.cause.explanation().fix));
                }
                for line in lines {
                    // Nobody listens any more where the machine was refused.
                    let _ = tell.send(line);
                }
            };
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            Ok(discovery::discover(runtime.handle(), &discovery, limit, &mut report))
        });
        Self { told, thread }
    }

    /// Waits for its end, and tells meanwhile what it waits for.
    ///
    /// # Errors
    /// When it could not be done at all; that there is no cluster is the result.
    pub(super) fn end(self, run: &Run) -> Result<Result<Discovered, DiscoveryError>, Error> {
        for line in self.told {
            run.out.log("discovery", line);
        }
        // The panic was already reported.
        let ended = self.thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the discovery broke")));
        Ok(ended?)
    }
}
