//! `etcd`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::run::Output;
use super::value::{duration, flat};
use crate::commands::etcd::{SNAPSHOTS, Target, health, maintenance, members, recover, restore, snapshot};
use crate::config::duration::GoDuration;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

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
        after_help = "Exit code 0: everything is healthy; 4: something is not.\n\nExamples:\n  kubestrap etcd health\n  kubestrap etcd health -o json"
    )]
    Health,
    /// Save, list, verify, prune and restore snapshots
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:\n  kubestrap etcd snapshot save"
    )]
    Snapshot(Snapshot),
    /// Make this node's member the whole cluster, after the quorum is lost for good
    #[command(
        after_help = "Run it on the survivor with the newest data. The other members must be reset and joined again.\n\nExamples:\n  kubestrap etcd recover --dry-run\n  kubestrap etcd recover --yes"
    )]
    Recover {
        /// Directory for the snapshot that is saved first
        #[arg(long, value_name = "DIR", default_value = SNAPSHOTS)]
        dir: PathBuf,
        /// Go on although another member that answers has newer data
        #[arg(long)]
        force: bool,
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
        /// Print what would be done, without changing anything
        #[arg(long)]
        dry_run: bool,
    },
    /// Defragment the database of this node's member, which does not answer while this runs
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
        /// Disarm the alarms
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
        /// Snapshots, or directories of them
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Replace the data of this node's etcd, which becomes the only member, with a snapshot's
    #[command(
        after_help = "The control plane is stopped meanwhile. The old data are kept beside the new, and put\nback if the control plane does not become healthy.\n\nExamples:\n  kubestrap etcd snapshot restore --dry-run /mnt/backup/etcd.db\n  kubestrap etcd snapshot restore --yes /mnt/backup/etcd.db"
    )]
    Restore {
        /// Snapshot to restore
        #[arg(value_name = "FILE")]
        path: PathBuf,
        /// The file is a copy of etcd's database (member/snap/db), without a hash to verify
        #[arg(long)]
        skip_hash_check: bool,
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
        /// Print what would be done, without changing anything
        #[arg(long)]
        dry_run: bool,
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
        /// Remove snapshots older than this, such as 168h
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
            Command::Snapshot(Snapshot::Restore { path, skip_hash_check, yes, dry_run }) => {
                let request = restore::Restore {
                    target,
                    snapshot: path.clone(),
                    unhashed: *skip_hash_check,
                    yes: *yes,
                    dry_run: *dry_run,
                };
                restore::run(&request, out)
            }
            Command::Recover { dir, force, yes, dry_run } => {
                let request = recover::Recover {
                    target,
                    dir: dir.clone(),
                    force: *force,
                    yes: *yes,
                    dry_run: *dry_run,
                };
                recover::run(&request, out)
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
