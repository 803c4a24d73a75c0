//! Pulling images, with progress.

use std::time::Duration;

use super::pull_all::{PullEvent, PullOptions, findings as pull_findings, pull_all};
use crate::finding::Finding;
use crate::host::cri::{CriClient, CriEndpoint};

/// How long the runtime may take to say whether it has an image. Without an answer the image would be pulled, which
/// fails on a machine without a network.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What pulls images to this machine.
pub trait Pull {
    /// Pulls those that the options ask for, with progress in lines; failures are findings.
    ///
    /// # Errors
    /// In words, when the runtime can't be asked at all.
    fn pull(
        &mut self,
        images: &[String],
        options: PullOptions,
        told: &mut (dyn FnMut(String) + Send),
    ) -> Result<Vec<Finding>, String>;
}

/// The runtime behind a CRI socket.
pub struct RuntimePull {
    /// The socket.
    pub socket: String,
}

impl Pull for RuntimePull {
    fn pull(
        &mut self,
        images: &[String],
        options: PullOptions,
        told: &mut (dyn FnMut(String) + Send),
    ) -> Result<Vec<Finding>, String> {
        let endpoint: CriEndpoint = self.socket.parse().map_err(|e| format!("{}: {e}", self.socket))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let mut events = |event| match event {
            PullEvent::Present(_) => {}
            PullEvent::Started(image) => told(format!("Pulling {image}")),
            PullEvent::Pulled { image, took } => told(format!("Pulled {image} ({:.1}s)", took.as_secs_f64())),
            PullEvent::Retrying { image, attempt, reason } => {
                told(format!("Pulling {image} failed (attempt {attempt}), retrying: {reason}"));
            }
            PullEvent::Failed(error) => told(format!("Pulling {} failed", error.image)),
        };
        runtime.block_on(async {
            let client = CriClient::connect(&endpoint).await.map_err(|e| e.to_string())?;
            let client = client.with_timeout(ANSWER_LIMIT);
            Ok(pull_findings(&pull_all(&client, images, options, &mut events).await))
        })
    }
}

/// Pulls nothing: a dry run.
pub struct NoPull;

impl Pull for NoPull {
    fn pull(
        &mut self,
        images: &[String],
        _: PullOptions,
        told: &mut (dyn FnMut(String) + Send),
    ) -> Result<Vec<Finding>, String> {
        told(format!("Would pull these images where they are missing: {}", images.join(", ")));
        Ok(vec![])
    }
}
