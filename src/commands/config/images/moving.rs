//! `config images export` and `config images import`.

use std::path::PathBuf;

use indicatif::HumanBytes;
use serde_json::json;

use super::{AREA, Selection};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::cri::CriEndpoint;
use crate::images::{Carrier, Moved, Step, TransferError};
use crate::output::table::columns;
use crate::output::{ObjectFormat, Printer};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The archive.
    pub(crate) file: PathBuf,
    /// Which images.
    pub(crate) selection: Selection,
    /// The runtime's CRI socket, if not the one that exists.
    pub(crate) cri_socket: Option<String>,
    /// Output format.
    pub(crate) format: ObjectFormat,
}

/// Writes images into an archive, and prints what is in it.
///
/// # Errors
/// When the runtime has no such images, or can't give them.
pub(crate) fn export(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    request.run(out, |carrier, images, told| carrier.export(images, &request.file, told))
}

/// Imports an archive, and prints what was in it.
///
/// # Errors
/// When the archive is not whole, lacks an image that was selected, or the runtime does not take it.
pub(crate) fn import(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    request.run(out, |carrier, images, told| {
        carrier.import(&request.file, if request.selection.is_made() { images } else { &[] }, told)
    })
}

impl Request {
    /// Has the runtime's carrier move the images that are selected, and prints them.
    fn run(
        &self,
        out: &Printer,
        moves: impl FnOnce(&Carrier, &[String], &mut dyn FnMut(Step<'_>)) -> Result<Vec<Moved>, TransferError>,
    ) -> Result<ExitStatus, Error> {
        let settings = self.selection.settings_here(self.cri_socket.as_deref(), out)?;
        let carrier = carrier(&settings.node.registration.cri_socket)?;
        let moved = moves(&carrier, &settings.images(), &mut |step| tell(&step, out))?;
        print(&moved, &self.format, out)
    }
}

/// The runtime behind a socket.
fn carrier(socket: &str) -> Result<Carrier, Error> {
    let endpoint: CriEndpoint =
        socket.parse().map_err(|e| Error::new(ExitStatus::Usage, format!("{socket}: {e}")))?;
    Carrier::of(&endpoint).map_err(|error| match error {
        TransferError::Cri(error) => {
            Error::new(ExitStatus::Failed, format!("{error}; `--cri-socket` names another runtime's socket"))
        }
        other => other.into(),
    })
}

/// Tells of a step.
fn tell(step: &Step<'_>, out: &Printer) {
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
fn print(images: &[Moved], format: &ObjectFormat, out: &Printer) -> Result<ExitStatus, Error> {
    let text = format.render(&json!({ "images": images }), |_| {
        let head = ["IMAGE", "DIGEST", "PLATFORM", "SIZE"].map(str::to_owned);
        let rows = images.iter().map(|i| {
            [i.name.clone(), i.digest.to_string(), i.platforms.join(","), HumanBytes(i.size).to_string()]
        });
        columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    })?;
    out.data(&text);
    Ok(ExitStatus::Done)
}
