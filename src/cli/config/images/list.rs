//! `config images list`.

use clap::Args;
use serde::Serialize;

use super::Selection;
use crate::cli::output_api::{self, PrintFlags};
use crate::config::HostFacts;
use crate::error::Error;
use crate::output::{Format, Printer};

/// List the images that `init` uses
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images list --kubernetes-version v1.36.2\n  kubestrap config images list --config kubeadm.yaml -o json"
)]
pub(super) struct List {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    print: PrintFlags,
}

/// kubeadm's `Images`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageList {
    kind: &'static str,
    api_version: &'static str,
    images: Vec<String>,
}

impl List {
    /// Prints them.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let settings = self.selection.settings(None, HostFacts::placeholder(), &out)?;
        let list =
            ImageList { kind: "Images", api_version: output_api::API_VERSION, images: settings.images() };
        let text = self.print.render(&list, |list| list.images.join("\n") + "\n")?;
        out.data(&text);
        Ok(())
    }
}
