//! `care`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::certs::source::SourceFlags;
use super::run::Output;
use super::value::{Boolean as _, duration};
use crate::commands::care::{run, schedule, status};
use crate::commands::etcd::SNAPSHOTS;
use crate::config::duration::GoDuration;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap care enable\n  kubestrap care status"
)]
pub(super) struct Care {
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t, global = true)]
    pub(super) output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Maintain this control plane daily: renew certificates, keep etcd snapshots
    #[command(
        after_help = "Certificates with less than a third of their life left are renewed, one component at a time; each is healthy again before the next is restarted. Only one control-plane node of the cluster is touched at a time.\n\nExamples:\n  kubestrap care enable\n  kubestrap care enable --snapshot-dir /mnt/backup --keep 14"
    )]
    Enable(What),
    /// Remove the daily run
    #[command(after_help = "Example:\n  kubestrap care disable")]
    Disable,
    /// Show whether the daily run is enabled, and how the last run ended
    #[command(
        after_help = "Exit code 0: it is enabled and the last run was good; 1: otherwise.\n\nExamples:\n  kubestrap care status\n  kubestrap care status -o json"
    )]
    Status,
    /// Do once, with the flags given here, what the daily run does
    #[command(
        after_help = "Exit code 0: all is in order, or what is due is left to the next run as another node has its turn; 1: something failed; 4: a component did not become healthy again, and the others were left as they are.\n\nExamples:\n  kubestrap care run --dry-run\n  kubestrap care run"
    )]
    Run {
        #[command(flatten)]
        what: What,
        /// Wait a random time, up to this long, before starting
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
        jitter: GoDuration,
        /// Print what would be renewed, without changing anything
        #[arg(long, boolean())]
        dry_run: Option<bool>,
    },
}

#[derive(Args, Debug)]
struct What {
    #[command(flatten)]
    source: SourceFlags,
    /// How long each component may take to be healthy again
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "4m0s")]
    restart_timeout: GoDuration,
    /// How long to wait while another control-plane node has its turn
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "20m0s")]
    turn_timeout: GoDuration,
    /// Save a snapshot of etcd each time [default: true]
    #[arg(long, boolean())]
    snapshots: Option<bool>,
    /// Directory of etcd snapshots
    #[arg(long, value_name = "DIR", default_value = SNAPSHOTS)]
    snapshot_dir: PathBuf,
    /// How many etcd snapshots to keep
    #[arg(long, value_name = "COUNT", default_value_t = 7)]
    keep: usize,
    /// Directory of node_exporter's textfile collector; metrics are written if it exists
    #[arg(long, value_name = "DIR", default_value = "/var/lib/node_exporter/textfile_collector")]
    metrics_dir: PathBuf,
}

impl What {
    fn request(&self, jitter: GoDuration, dry_run: bool) -> run::Request {
        run::Request {
            location: self.source.location(),
            limit: self.restart_timeout.as_std(),
            turn_timeout: self.turn_timeout.as_std(),
            snapshots: (self.snapshots != Some(false)).then(|| self.snapshot_dir.clone()),
            keep: self.keep,
            metrics: self.metrics_dir.clone(),
            jitter: jitter.as_std(),
            dry_run,
        }
    }
}

impl Care {
    /// Runs the command that was named.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        match &self.command {
            Command::Enable(what) => schedule::enable(&what.request(GoDuration::ZERO, false), out),
            Command::Disable => schedule::disable(out),
            Command::Status => status::run(out),
            Command::Run { what, jitter, dry_run } => {
                run::run(&what.request(*jitter, *dry_run == Some(true)), out)
            }
        }
    }
}
