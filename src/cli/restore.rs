//! `restore`.

use std::path::PathBuf;

use clap::Args;

use super::backup::Key;
use super::run::Output;
use super::value::flat;
use crate::commands::restore::Request;

#[derive(Args, Debug)]
#[command(
    after_help = "The machine needs a container runtime and kubelet, and the images or a registry, as for `init`.\nThe cluster has the same CA and the same data; this machine is the only member of its etcd.\nA run that was interrupted goes on when it is started again.\n\nExamples:\n  kubestrap restore --passphrase-file /root/passphrase node.tar.gz.age\n  kubestrap restore --identity key.txt --apiserver-advertise-address 10.0.0.2 node.tar.gz.age\n  kubestrap restore --dry-run --identity key.txt node.tar.gz.age"
)]
pub(super) struct Restore {
    /// Archive of `kubestrap backup`
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    key: Key,
    /// Configuration file to use instead of the archive's
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Name of this Node [default: the host name]
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Address of this API server [default: the backup's if this machine has it, else that of the default route]
    #[arg(long, value_name = "IP")]
    apiserver_advertise_address: Option<String>,
    /// Stable address of the control plane instead of the backup's
    #[arg(long, value_name = "HOST[:PORT]")]
    control_plane_endpoint: Option<String>,
    /// CRI socket of the container runtime [default: the one found]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Checks whose errors are shown as warnings
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Phases to skip
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// Print what would be done, without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Restore {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            archive: self.archive.clone(),
            key: self.key.source(),
            config: self.config.clone(),
            node_name: self.node_name.clone(),
            advertise_address: self.apiserver_advertise_address.clone(),
            control_plane_endpoint: self.control_plane_endpoint.clone(),
            cri_socket: self.cri_socket.clone(),
            ignore_preflight_errors: flat(&self.ignore_preflight_errors),
            skip_phases: flat(&self.skip_phases),
            dry_run: self.dry_run,
        }
    }
}
