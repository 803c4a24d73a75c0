//! `config images list`.

use clap::Args;

use super::SelectionFlags;
use crate::cli::output_api::PrintFlags;

/// List the images that `init` uses
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images list --kubernetes-version v1.36.2\n  kubestrap config images list --config kubeadm.yaml -o json"
)]
pub(super) struct List {
    #[command(flatten)]
    pub(super) selection: SelectionFlags,
    #[command(flatten)]
    pub(super) print: PrintFlags,
}
