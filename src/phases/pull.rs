//! Bringing images here, with what happens told.

use std::time::Duration;

use crate::host::cri::{CriClient, CriEndpoint};
use crate::output::Printer;
use crate::preflight::{Finding, PullEvent, PullOptions, pull_all, pull_findings};

/// How long the runtime may take to say whether it holds an image. Without an answer the image would be pulled, which a
/// machine without a network can't.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What can bring images to this machine.
pub trait Pull {
    /// Brings those that the options ask for; what could not be had is found.
    ///
    /// # Errors
    /// In words, when the runtime can't be asked at all.
    fn pull(
        &mut self,
        images: &[String],
        options: PullOptions,
        out: &Printer,
    ) -> Result<Vec<Finding>, String>;
}

/// The runtime behind a CRI socket.
pub struct RuntimePull {
    /// The socket.
    pub socket: String,
    /// The area that its lines bear.
    pub area: &'static str,
}

impl Pull for RuntimePull {
    fn pull(
        &mut self,
        images: &[String],
        options: PullOptions,
        out: &Printer,
    ) -> Result<Vec<Finding>, String> {
        let endpoint: CriEndpoint = self.socket.parse().map_err(|e| format!("{}: {e}", self.socket))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let area = self.area;
        let mut told = |event| match event {
            PullEvent::Present(_) => {}
            PullEvent::Started(image) => out.log(area, format!("Pulling {image}")),
            PullEvent::Pulled { image, took } => {
                out.log(area, format!("Pulled {image} ({:.1}s)", took.as_secs_f64()))
            }
            PullEvent::Retrying { image, attempt, reason } => {
                out.log(area, format!("Pulling {image} failed (try {attempt}), trying again: {reason}"));
            }
            PullEvent::Failed(error) => out.log(area, format!("Pulling {} failed", error.image)),
        };
        runtime.block_on(async {
            let client = CriClient::connect(&endpoint).await.map_err(|e| e.to_string())?;
            let client = client.with_timeout(ANSWER_LIMIT);
            Ok(pull_findings(&pull_all(&client, images, options, &mut told).await))
        })
    }
}

/// A dry run brings nothing.
pub struct NoPull;

impl Pull for NoPull {
    fn pull(&mut self, images: &[String], _: PullOptions, out: &Printer) -> Result<Vec<Finding>, String> {
        out.log("preflight", format!("Would pull what is missing of: {}", images.join(", ")));
        Ok(vec![])
    }
}
