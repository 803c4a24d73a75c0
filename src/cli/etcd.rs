//! `etcd`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;
use super::value::{duration, flat};
use crate::commands::etcd::{Target, health, maintenance, members, snapshot};
use crate::config::duration::GoDuration;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Where snapshots are kept.
const SNAPSHOTS: &str = "/var/lib/kubestrap/etcd-snapshots";

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap etcd health\n  kubestrap etcd snapshot save"
)]
pub(super) struct Etcd {
    /// Client URLs of members [default: those in etcd's static Pod manifest]
    #[arg(long, value_name = "URLS", global = true)]
    endpoints: Vec<String>,
    /// CA that signed etcd's certificates [default: the manifest's]
    #[arg(long, value_name = "FILE", global = true)]
    cacert: Option<PathBuf>,
    /// Client certificate [default: healthcheck-client.crt beside the CA]
    #[arg(long, value_name = "FILE", global = true)]
    cert: Option<PathBuf>,
    /// Key of the client certificate [default: healthcheck-client.key beside the CA]
    #[arg(long, value_name = "FILE", global = true)]
    key: Option<PathBuf>,
    /// Directory of static Pod manifests
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/manifests", global = true)]
    manifests: PathBuf,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the members
    #[command(after_help = "Example:\n  kubestrap etcd members")]
    Members,
    /// Show the health of each member, and whether the cluster has a quorum
    #[command(
        after_help = "Exit code 0: all is healthy; 4: something is not.\n\nExamples:\n  kubestrap etcd health\n  kubestrap etcd health -o json"
    )]
    Health,
    /// Save, list, verify and prune snapshots
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:\n  kubestrap etcd snapshot save"
    )]
    Snapshot(Snapshot),
    /// Defragment the database of this node's member, which does not answer meanwhile
    #[command(after_help = "Examples:\n  kubestrap etcd defrag\n  kubestrap etcd defrag --all")]
    Defrag {
        /// Defragment all members, one after the other, the leader last
        #[arg(long)]
        all: bool,
    },
    /// Show the alarms that members have raised
    #[command(
        after_help = "Exit code 0: there is none; 4: there is one.\n\nExamples:\n  kubestrap etcd alarm\n  kubestrap etcd alarm --disarm"
    )]
    Alarm {
        /// End the alarms
        #[arg(long)]
        disarm: bool,
    },
}

#[derive(Subcommand, Debug)]
enum Snapshot {
    /// Save a snapshot of this node's member, and verify it
    #[command(
        after_help = "Examples:\n  kubestrap etcd snapshot save\n  kubestrap etcd snapshot save /mnt/backup/etcd.db"
    )]
    Save {
        /// File or directory to save to [default: a new file in --dir]
        path: Option<PathBuf>,
        /// Directory of snapshots
        #[arg(long, value_name = "DIR", default_value = SNAPSHOTS)]
        dir: PathBuf,
    },
    /// List the snapshots in a directory, the newest first
    #[command(after_help = "Example:\n  kubestrap etcd snapshot list")]
    List {
        /// Directory of snapshots
        #[arg(long, value_name = "DIR", default_value = SNAPSHOTS)]
        dir: PathBuf,
    },
    /// Verify that snapshots are complete and undamaged
    #[command(after_help = "Example:\n  kubestrap etcd snapshot verify /mnt/backup/etcd.db")]
    Verify {
        /// Snapshots
        #[arg(required = true, value_name = "FILE")]
        paths: Vec<PathBuf>,
    },
    /// Remove old snapshots; the newest is always kept
    #[command(
        after_help = "Examples:\n  kubestrap etcd snapshot prune --keep 7\n  kubestrap etcd snapshot prune --max-age 168h --dry-run"
    )]
    Prune {
        /// Directory of snapshots
        #[arg(long, value_name = "DIR", default_value = SNAPSHOTS)]
        dir: PathBuf,
        /// How many snapshots to keep
        #[arg(long, value_name = "COUNT", required_unless_present = "max_age")]
        keep: Option<usize>,
        /// Remove snapshots that are older, such as 168h
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        max_age: Option<GoDuration>,
        /// Print what would be removed, without removing anything
        #[arg(long)]
        dry_run: bool,
    },
}

impl Etcd {
    /// How results are printed.
    pub(super) fn output(&self) -> Output {
        self.output
    }

    /// Runs the command that was named.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        let target = Target {
            endpoints: flat(&self.endpoints),
            ca: self.cacert.clone(),
            certificate: self.cert.clone(),
            key: self.key.clone(),
            manifests: self.manifests.clone(),
        };
        match &self.command {
            Command::Members => members::run(&target, out),
            Command::Health => health::run(&target, out),
            Command::Snapshot(Snapshot::Save { path, dir }) => {
                snapshot::save(&snapshot::Save { target, path: path.clone(), dir: dir.clone() }, out)
            }
            Command::Snapshot(Snapshot::List { dir }) => snapshot::list(dir, out),
            Command::Snapshot(Snapshot::Verify { paths }) => snapshot::verify(paths, out),
            Command::Snapshot(Snapshot::Prune { dir, keep, max_age, dry_run }) => {
                let age = max_age.map(GoDuration::as_std);
                let request = snapshot::Prune { dir: dir.clone(), keep: *keep, age, dry_run: *dry_run };
                snapshot::prune(&request, out)
            }
            Command::Defrag { all } => maintenance::defrag(&maintenance::Defrag { target, all: *all }, out),
            Command::Alarm { disarm } => maintenance::alarm(&target, *disarm, out),
        }
    }
}
