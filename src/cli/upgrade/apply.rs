//! `upgrade apply`.

use std::path::PathBuf;

use clap::Args;

use super::super::run::Output;
use super::super::value::{Boolean as _, flat};
use super::{check_mixed, request};
use crate::commands::upgrade::Request;
use crate::config::ConfigError;

#[derive(Args, Debug, Default)]
#[command(
    after_help = "On a failure this node is put back to what it was. After an interruption, run the same command again to go on, or with the old version to go back. With the version that the cluster has, it applies a changed ClusterConfiguration.\n\nExamples:\n  kubestrap upgrade apply v1.36.2 --dry-run\n  kubestrap upgrade apply v1.36.2 --yes\n  kubestrap upgrade apply v1.36.2 --through-minors"
)]
pub(in super::super) struct Apply {
    /// Version to upgrade to, or a label such as stable-1.36 (which is looked up on the internet)
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    /// Allow alpha, beta and release candidate versions
    #[arg(long, boolean())]
    allow_experimental_upgrades: Option<bool>,
    /// Allow release candidate versions
    #[arg(long, boolean())]
    allow_release_candidate_upgrades: Option<bool>,
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
    /// Upgrade even if requirements that are not mandatory are not met; implies --yes
    #[arg(short, long, boolean())]
    force: Option<bool>,
    /// Checks whose errors are shown as warnings; `all` for every check
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Kubeconfig to reach the cluster with [default: /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Directory with patches for what is written
    #[arg(long, value_name = "DIR")]
    patches: Option<String>,
    /// Print the configuration that the cluster stores
    #[arg(long, boolean())]
    print_config: Option<bool>,
    /// Phases to skip
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// Go through every minor between, each proven healthy before the next (one control plane only)
    #[arg(long)]
    through_minors: bool,
    /// Do not ask for confirmation
    #[arg(short, long, boolean())]
    yes: Option<bool>,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(in super::super) output: Output,
}

impl Apply {
    /// What is asked for.
    ///
    /// # Errors
    /// When flags exclude each other.
    pub(in super::super) fn request(&self) -> Result<Request, ConfigError> {
        check_mixed(
            self.config.as_ref(),
            &[
                (self.allow_experimental_upgrades.is_some(), "allow-experimental-upgrades"),
                (self.allow_release_candidate_upgrades.is_some(), "allow-release-candidate-upgrades"),
                (self.certificate_renewal.is_some(), "certificate-renewal"),
                (self.etcd_upgrade.is_some(), "etcd-upgrade"),
                (self.force.is_some(), "force"),
                (self.patches.is_some(), "patches"),
                (self.print_config.is_some(), "print-config"),
            ],
        )?;
        Ok(Request {
            version: self.version.clone(),
            allow_experimental: self.allow_experimental_upgrades,
            allow_candidates: self.allow_release_candidate_upgrades,
            etcd_upgrade: self.etcd_upgrade,
            certificate_renewal: self.certificate_renewal,
            force: self.force,
            yes: self.yes == Some(true),
            dry_run: self.dry_run,
            dry_run_dir: self.dry_run_dir.clone(),
            patches: self.patches.clone().filter(|dir| !dir.is_empty()),
            skip_phases: flat(&self.skip_phases),
            print_config: self.print_config,
            through_minors: self.through_minors,
            ..request(self.config.as_ref(), self.kubeconfig.as_ref(), &self.ignore_preflight_errors)
        })
    }
}
