//! `certs rotate-ca`.

use clap::{Args, Subcommand};

use crate::cli::run::Output;
use crate::commands::certs::rotate_ca::{self, Action};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Replace the CAs and the service accounts' key, step by step, without breaking a client
#[derive(Args, Debug)]
#[command(
    after_help = "The cluster's, the front proxy's and etcd's CA and the service accounts' key are generated again. First both generations are trusted, then the new one signs everything, and each component is restarted and proven healthy before the next. The old CAs stay trusted until `finish`: copies of kubeconfigs, workers and Pods go on working until then. Run again after an interruption, it goes on where it was.

With several control-plane nodes, run it on each in turn: a node goes on once all have come as far as it. The new CAs are generated on the first; copy /etc/kubernetes/pki/ca-rotation/new from there to the others first (`scp -rp`). To use CAs of your own, put ca.crt, ca.key, front-proxy-ca.*, etcd/ca.* into that directory on the first. On a worker, it gives kubelet the new CA and a new client certificate.

While it lasts, do not join control-plane nodes or upgrade. Verifiers of service account tokens outside of the cluster must be given the new key before it signs.

Examples:
  kubestrap certs rotate-ca --dry-run
  kubestrap certs rotate-ca
  kubestrap certs rotate-ca status
  kubestrap certs rotate-ca finish"
)]
pub(super) struct RotateCa {
    /// Print what would be done, without changing anything
    #[arg(long, global = true)]
    dry_run: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, global = true)]
    pub(super) output: Output,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show how far each node is, and what still needs the old CAs
    #[command(
        after_help = "Examples:\n  kubestrap certs rotate-ca status\n  kubestrap certs rotate-ca status -o json"
    )]
    Status,
    /// Drop the old CAs and the old key, once nothing needs them
    #[command(
        after_help = "Run it on each control-plane node in turn, then `kubestrap certs rotate-ca` on each worker. There is no way back from it.\n\nExamples:\n  kubestrap certs rotate-ca finish\n  kubestrap certs rotate-ca finish --force"
    )]
    Finish {
        /// Go on although workers, Pods or tokens are left that this breaks
        #[arg(long)]
        force: bool,
    },
    /// Go back to the old CAs
    #[command(
        after_help = "Possible until `finish`. Run it on each control-plane node in turn; then `finish` drops the new CAs.\n\nExample:\n  kubestrap certs rotate-ca rollback"
    )]
    Rollback,
}

impl RotateCa {
    /// Runs what was asked for.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        let action = match &self.command {
            None => Action::Go,
            Some(Command::Status) => return rotate_ca::status(out),
            Some(Command::Finish { force }) => Action::Finish { force: *force },
            Some(Command::Rollback) => Action::RollBack,
        };
        rotate_ca::run(action, self.dry_run, out)
    }
}
