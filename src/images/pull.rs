//! Pulling images, with progress in lines.

use crate::finding::Finding;
use crate::host::ContainerRuntime;
use crate::host::cri::{CriError, PullError, PullEvent, PullOptions};

/// Has the runtime pull images, as far as the options ask for it; failures are findings.
///
/// # Errors
/// When the runtime can't be asked at all.
pub(crate) fn pull(
    runtime: &dyn ContainerRuntime,
    images: &[String],
    options: PullOptions,
    log: &mut (dyn FnMut(String) + Send),
) -> Result<Vec<Finding>, CriError> {
    let mut progress = |event| match event {
        PullEvent::Present(_) => {}
        PullEvent::Would(images) => {
            log(format!("Would pull these images where they are missing: {}", images.join(", ")));
        }
        PullEvent::Started(image) => log(format!("Pulling {image}")),
        PullEvent::Pulled { image, took } => log(format!("Pulled {image} ({:.1}s)", took.as_secs_f64())),
        PullEvent::Retrying { image, attempt, reason } => {
            log(format!("Pulling {image} failed (attempt {attempt}), retrying: {reason}"));
        }
        PullEvent::Failed(error) => log(format!("Pulling {} failed", error.image)),
    };
    let failed = runtime.pull(images, options, &mut progress)?;
    Ok(failed.iter().map(PullError::finding).collect())
}
