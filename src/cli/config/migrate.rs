//! `config migrate`.

use std::path::PathBuf;

use clap::Args;

use super::super::value::Boolean as _;

/// Rewrite a configuration file in the current API version, with every default written out
///
/// Every kind is migrated; kubelet's and kube-proxy's configurations are kept as they are. Nothing is taken from this
/// machine. Comments are not kept. What changed is printed to standard error.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap config migrate --old-config old.yaml --new-config new.yaml")]
pub(super) struct Migrate {
    /// The file to migrate; `-` reads standard input
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) old_config: String,
    /// Where to write the result [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(super) new_config: Option<PathBuf>,
    /// Accepted for compatibility with kubeadm: there is no experimental API version
    #[arg(long, boolean())]
    allow_experimental_api: Option<bool>,
}
