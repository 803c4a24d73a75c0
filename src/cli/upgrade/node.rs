//! `upgrade node`.

use std::path::PathBuf;

use clap::Args;

use super::super::run::Output;
use super::super::value::{Boolean as _, flat};
use super::{check_mixed, request};
use crate::commands::upgrade::Request;
use crate::config::ConfigError;

#[derive(Args, Debug, Default)]
#[command(
    after_help = "Run it after `upgrade apply` on the first control plane. On a failure this node is put back to what it was.\n\nExamples:\n  kubestrap upgrade node --dry-run\n  kubestrap upgrade node"
)]
pub(in super::super) struct Node {
    /// Renew the certificates of the components that are upgraded [default: true]
    #[arg(long, boolean())]
    certificate_renewal: Option<bool>,
    /// Configuration file with an UpgradeConfiguration; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Print what would be done, without changing anything
    #[arg(long, boolean())]
    dry_run: Option<bool>,
    /// In a dry run: write every file at its real path below this directory, and cluster-objects.yaml
    #[arg(long, value_name = "DIR")]
    dry_run_dir: Option<PathBuf>,
    /// Upgrade etcd too [default: true]
    #[arg(long, boolean())]
    etcd_upgrade: Option<bool>,
    /// Checks whose errors are shown as warnings; `all` for every check
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Kubeconfig to reach the cluster with [default: /etc/kubernetes/admin.conf, on a worker kubelet.conf]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Directory with patches for what is written
    #[arg(long, value_name = "DIR")]
    patches: Option<String>,
    /// Phases to skip
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(in super::super) output: Output,
}

impl Node {
    /// What is asked for.
    ///
    /// # Errors
    /// When flags exclude each other.
    pub(in super::super) fn request(&self) -> Result<Request, ConfigError> {
        check_mixed(
            self.config.as_ref(),
            &[
                (self.certificate_renewal.is_some(), "certificate-renewal"),
                (self.etcd_upgrade.is_some(), "etcd-upgrade"),
                (self.patches.is_some(), "patches"),
            ],
        )?;
        Ok(Request {
            etcd_upgrade: self.etcd_upgrade,
            certificate_renewal: self.certificate_renewal,
            dry_run: self.dry_run,
            dry_run_dir: self.dry_run_dir.clone(),
            patches: self.patches.clone().filter(|dir| !dir.is_empty()),
            skip_phases: flat(&self.skip_phases),
            ..request(self.config.as_ref(), self.kubeconfig.as_ref(), &self.ignore_preflight_errors)
        })
    }
}
