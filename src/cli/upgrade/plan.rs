//! `upgrade plan`.

use std::path::PathBuf;

use clap::Args;

use super::super::output_api::PrintFlags;
use super::super::value::Boolean as _;
use super::{check_mixed, request};
use crate::commands::upgrade::{Request, plan};
use crate::config::ConfigError;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::{Printer, table};

#[derive(Args, Debug)]
#[command(
    after_help = "Nothing is looked up on the internet, unless VERSION is a label such as stable-1.36. Exit code 3 says that `upgrade apply` would be refused.\n\nExamples:\n  kubestrap upgrade plan\n  kubestrap upgrade plan v1.36.2 -o json"
)]
pub(in super::super) struct Plan {
    /// Version to plan for [default: the newest known patches of this minor and the next]
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    /// Also offer alpha, beta and release candidate versions
    #[arg(long, boolean())]
    allow_experimental_upgrades: Option<bool>,
    /// Also offer release candidate versions
    #[arg(long, boolean())]
    allow_release_candidate_upgrades: Option<bool>,
    /// Configuration file with an UpgradeConfiguration; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Plan for etcd too [default: true]
    #[arg(long, boolean())]
    etcd_upgrade: Option<bool>,
    /// Checks whose errors are shown as warnings; `all` for every check
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Kubeconfig to reach the cluster with [default: /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Print the configuration that the cluster stores
    #[arg(long, boolean())]
    print_config: Option<bool>,
    #[command(flatten)]
    print: PrintFlags,
}

impl Plan {
    fn request(&self) -> Result<Request, ConfigError> {
        check_mixed(
            self.config.as_ref(),
            &[
                (self.allow_experimental_upgrades.is_some(), "allow-experimental-upgrades"),
                (self.allow_release_candidate_upgrades.is_some(), "allow-release-candidate-upgrades"),
                (self.etcd_upgrade.is_some(), "etcd-upgrade"),
                (self.print_config.is_some(), "print-config"),
            ],
        )?;
        Ok(Request {
            version: self.version.clone(),
            allow_experimental: self.allow_experimental_upgrades,
            allow_candidates: self.allow_release_candidate_upgrades,
            etcd_upgrade: self.etcd_upgrade,
            print_config: self.print_config,
            ..request(self.config.as_ref(), self.kubeconfig.as_ref(), &self.ignore_preflight_errors)
        })
    }

    /// Runs the command.
    pub(in super::super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        let request = self.request().map_err(|e| crate::commands::configuration::unusable(&e))?;
        let format = self.print.format();
        let out = &out.beside(&format);
        plan::run(&request, |plan| format.render(plan, |plan| plan.text(table::columns)), out)
    }
}
