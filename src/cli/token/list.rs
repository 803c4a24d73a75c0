//! `token list`.

use clap::Args;

use crate::cli::output_api::PrintFlags;

/// Show the tokens, secrets included
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kubestrap token list\n  kubestrap token list -o json")]
pub(super) struct List {
    #[command(flatten)]
    pub(super) print: PrintFlags,
}
