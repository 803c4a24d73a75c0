//! `config images list`.

use serde::Serialize;

use super::Selection;
use crate::config::HostFacts;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::{API_VERSION, ObjectFormat, Printer};

/// kubeadm's `Images`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageList {
    kind: &'static str,
    api_version: &'static str,
    images: Vec<String>,
}

/// Prints the images.
///
/// # Errors
/// When the configuration can't be used.
pub(crate) fn run(selection: &Selection, format: &ObjectFormat, out: &Printer) -> Result<ExitStatus, Error> {
    let settings = selection.settings(None, HostFacts::placeholder(), out)?;
    let list = ImageList { kind: "Images", api_version: API_VERSION, images: settings.images() };
    out.data(&format.render(&list, |list| list.images.join("\n") + "\n")?);
    Ok(ExitStatus::Done)
}
