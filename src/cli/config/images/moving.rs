//! What `export` and `import` have in common.

use std::path::PathBuf;

use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;

use super::{AREA, Selection};
use crate::cli::output_api::ObjectFormat;
use crate::cli::table::columns;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::cri::CriEndpoint;
use crate::images::{Carrier, Moved, Step, TransferError};
use crate::output::{Format, Printer};

/// Which archive, which images, which runtime.
#[derive(Args, Debug)]
pub(super) struct Moving {
    /// The archive
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// The runtime's CRI socket (default: the one that is there)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// How to print what was moved
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
}

impl Moving {
    /// Has the runtime's carrier move the images that are selected, and prints them.
    pub(super) fn run(
        &self,
        moves: impl FnOnce(&Carrier, &[String], &mut dyn FnMut(Step<'_>)) -> Result<Vec<Moved>, TransferError>,
    ) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let settings = self.selection.settings_here(self.cri_socket.as_deref(), &out)?;
        let carrier = carrier(&settings.node.registration.cri_socket)?;
        let moved = moves(&carrier, &settings.images(), &mut |step| tell(&step, &out))?;
        print(&moved, &self.output, &out)
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
fn print(images: &[Moved], format: &ObjectFormat, out: &Printer) -> Result<(), Error> {
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
