//! `nodes`.

use std::path::PathBuf;

use clap::Args;

use super::run::Output;
use crate::commands::nodes::Request;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0: every node is ready, etcd is healthy and no certificate has expired; 4: something is not.\n\nExamples:\n  kubestrap nodes\n  kubestrap nodes -o json"
)]
pub(super) struct Nodes {
    /// Kubeconfig to reach the cluster with [default: $KUBECONFIG, ~/.kube/config or /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Directory of static Pod manifests; etcd's tells how to ask it
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/manifests")]
    manifests: PathBuf,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Nodes {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request { kubeconfig: self.kubeconfig.clone(), manifests: self.manifests.clone() }
    }
}
