//! `config images …`.

mod export;
mod import;
mod list;
mod moving;
mod pull;

use clap::{Args, Subcommand};

use super::super::value::feature_gates;
use crate::commands::config::images::{self, Selection};
use crate::commands::configuration::unusable;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// List, pull, export and import the images that a control plane runs
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap config images list --kubernetes-version v1.36.2\n  kubestrap config images export images.tar"
)]
pub(super) struct Images {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::List),
    Pull(pull::Pull),
    Export(export::Export),
    Import(import::Import),
}

// Which images. No doc comment: clap would take it for the help of the commands that have them.
#[derive(Args, Debug)]
struct SelectionFlags {
    /// Configuration file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// kubeadm's feature gates: name=true,…
    #[arg(long, value_name = "GATES")]
    feature_gates: Vec<String>,
    /// Where images come from [default: registry.k8s.io]
    #[arg(long, value_name = "REPOSITORY")]
    image_repository: Option<String>,
    /// Version of the control plane
    #[arg(long, value_name = "VERSION")]
    kubernetes_version: Option<String>,
}

impl Images {
    /// Whether images are pulled.
    pub(super) fn is_pull(&self) -> bool {
        matches!(self.command, Command::Pull(_))
    }

    /// Runs the command that was named.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        match &self.command {
            Command::List(list) => images::list::run(&list.selection.selection()?, &list.print.format(), out),
            Command::Pull(pull) => {
                images::pull::run(&pull.selection.selection()?, pull.cri_socket.as_deref(), out)
            }
            Command::Export(export) => images::moving::export(&export.moving.request()?, out),
            Command::Import(import) => images::moving::import(&import.moving.request()?, out),
        }
    }
}

impl SelectionFlags {
    /// What is selected.
    ///
    /// # Errors
    /// When a feature gate has no value.
    fn selection(&self) -> Result<Selection, Error> {
        Ok(Selection {
            config: self.config.clone(),
            feature_gates: feature_gates(&self.feature_gates).map_err(|e| unusable(&e))?,
            image_repository: self.image_repository.clone(),
            kubernetes_version: self.kubernetes_version.clone(),
        })
    }
}
