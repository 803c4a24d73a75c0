//! `config images pull`.

use clap::Args;

use super::SelectionFlags;

/// Pull the images that `init` uses, so that it need not wait for them
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images pull\n  kubestrap config images pull --config kubeadm.yaml --cri-socket unix:///run/containerd/containerd.sock"
)]
pub(super) struct Pull {
    #[command(flatten)]
    pub(super) selection: SelectionFlags,
    /// CRI socket of the container runtime [default: the one found]
    #[arg(long, value_name = "SOCKET")]
    pub(super) cri_socket: Option<String>,
}
