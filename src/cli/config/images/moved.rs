//! What `export` and `import` have in common.

use indicatif::HumanBytes;
use serde_json::json;

use super::AREA;
use crate::cli::output_api::ObjectFormat;
use crate::cli::table::columns;
use crate::host::cri::CriEndpoint;
use crate::images::{Carrier, Moved, Step, TransferError};
use crate::output::Printer;
use crate::phases::{Failure, PhaseError};

/// The runtime behind a socket.
pub(super) fn carrier(socket: &str) -> Result<Carrier, PhaseError> {
    let endpoint: CriEndpoint =
        socket.parse().map_err(|e| PhaseError::new(Failure::Usage, format!("{socket}: {e}")))?;
    Carrier::of(&endpoint).map_err(|error| match error {
        TransferError::Cri(error) => PhaseError::new(
            Failure::Failed,
            format!("{error}; `--cri-socket` names another runtime's socket"),
        ),
        other => other.into(),
    })
}

/// Tells of a step.
pub(super) fn tell(step: &Step<'_>, out: &Printer) {
    out.log(
        AREA,
        match step {
            Step::Exporting(image) => format!("Exporting {image}"),
            Step::Exported(image, took) => {
                format!("Exported {} ({}, {:.1}s)", image.name, HumanBytes(image.size), took.as_secs_f64())
            }
            Step::Verifying => "Verifying the archive".to_owned(),
            Step::Verified(images, took) => format!(
                "{} images are whole ({}, {:.1}s)",
                images.len(),
                HumanBytes(images.iter().map(|i| i.size).sum()),
                took.as_secs_f64()
            ),
            Step::Importing => "Importing them".to_owned(),
        },
    );
}

/// Prints the images.
pub(super) fn print(images: &[Moved], format: ObjectFormat, out: &Printer) -> Result<(), PhaseError> {
    let text = format.render(&json!({ "images": images }), |_| {
        let head = ["IMAGE", "DIGEST", "PLATFORM", "SIZE"].map(str::to_owned);
        let rows = images.iter().map(|i| {
            [i.name.clone(), i.digest.to_string(), i.platforms.join(","), HumanBytes(i.size).to_string()]
        });
        columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    })?;
    out.data(&text);
    Ok(())
}
