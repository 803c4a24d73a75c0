//! `upgrade diff`.

use std::path::PathBuf;

use clap::Args;

use super::{check_mixed, request};
use crate::commands::upgrade::{Request, diff};
use crate::config::ConfigError;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kubestrap upgrade diff v1.36.2\n  kubestrap upgrade diff -c 10")]
pub(in super::super) struct Diff {
    /// Version to compare with [default: the cluster's]
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    /// Configuration file with an UpgradeConfiguration; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Lines of context around a difference [default: 3]
    #[arg(short, long, value_name = "LINES")]
    context_lines: Option<usize>,
    /// Kubeconfig to reach the cluster with [default: /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Diff {
    fn request(&self) -> Result<Request, ConfigError> {
        check_mixed(self.config.as_ref(), &[(self.context_lines.is_some(), "context-lines")])?;
        Ok(Request {
            version: self.version.clone(),
            context_lines: self.context_lines,
            ..request(self.config.as_ref(), self.kubeconfig.as_ref(), &[])
        })
    }

    /// Runs the command.
    pub(in super::super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        diff::run(&self.request().map_err(|e| crate::commands::configuration::unusable(&e))?, out)
    }
}
