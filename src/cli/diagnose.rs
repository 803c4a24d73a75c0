//! `diagnose`.

use std::path::PathBuf;

use clap::Args;

use super::run::Output;
use crate::commands::diagnose::Request;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0: everything is healthy; 4: something is not, and its causes are printed as far as they are known.\n\nExamples:\n  kubestrap diagnose\n  kubestrap diagnose --save evidence.yaml    (to send to somebody)\n  kubestrap diagnose --from evidence.yaml"
)]
pub(super) struct Diagnose {
    /// Configuration file that the control plane was made with [default: the files on this machine]
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// CRI socket of the container runtime [default: the one that kubelet uses]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Name of this Node [default: the one in kubelet.conf]
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Save the evidence to a file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Read evidence saved with --save instead of examining this machine
    #[arg(long, value_name = "FILE", conflicts_with_all = ["save", "config", "cri_socket", "node_name"])]
    from: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Diagnose {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            config: self.config.clone(),
            cri_socket: self.cri_socket.clone(),
            node_name: self.node_name.clone(),
            save: self.save.clone(),
            from: self.from.clone(),
        }
    }
}
