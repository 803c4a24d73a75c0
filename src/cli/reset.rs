//! `reset`.

use std::path::PathBuf;

use clap::Args;

use super::run::Output;
use super::value::{Boolean as _, flat};
use crate::config::ResetFlags;

#[derive(Args, Debug, Default)]
#[command(
    about = "Revert the changes made by `init` or `join`",
    after_help = "Examples:\n  kubestrap reset\n  kubestrap reset --force --cri-socket unix:///run/containerd/containerd.sock\n  kubestrap reset --config reset.yaml"
)]
pub(super) struct Reset {
    /// Directory whose certificates and keys are removed [default: /etc/kubernetes/pki]
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<String>,
    /// Empty /etc/kubernetes/tmp too
    #[arg(long, boolean())]
    cleanup_tmp_dir: Option<bool>,
    /// Configuration file with a ResetConfiguration; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// CRI socket of the container runtime [default: the one found]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Print what would be done, without changing anything
    #[arg(long, boolean())]
    dry_run: Option<bool>,
    /// Do not ask for confirmation
    #[arg(short, long, boolean())]
    force: Option<bool>,
    /// Preflight checks whose errors are warnings; `all` for every check
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Accepted as by kubeadm; has no effect: reset needs no API server
    #[arg(long, value_name = "FILE", hide = true)]
    kubeconfig: Option<PathBuf>,
    /// Phases to skip
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Reset {
    /// What is asked for.
    pub(super) fn flags(&self) -> ResetFlags {
        ResetFlags {
            config: self.config.clone(),
            cert_dir: self.cert_dir.clone(),
            cleanup_tmp_dir: self.cleanup_tmp_dir,
            cri_socket: self.cri_socket.clone(),
            dry_run: self.dry_run,
            force: self.force,
            ignore_preflight_errors: flat(&self.ignore_preflight_errors),
            skip_phases: flat(&self.skip_phases),
        }
    }
}
