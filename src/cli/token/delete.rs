//! `token delete`.

use clap::Args;

use super::Shared;
use crate::commands::token::delete::Request;

/// Delete tokens
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap token delete abcdef")]
pub(super) struct Delete {
    /// Tokens to delete: ids (`abcdef`) or whole tokens
    #[arg(value_name = "TOKEN", required = true)]
    tokens: Vec<String>,
}

impl Delete {
    /// What is asked for.
    pub(super) fn request(&self, shared: &Shared) -> Request {
        Request {
            tokens: self.tokens.clone(),
            dry_run: shared.dry_run == Some(true),
            kubeconfig: shared.kubeconfig.clone(),
        }
    }
}
