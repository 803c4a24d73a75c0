//! `config images export`.

use clap::Args;

use super::moving::Moving;

/// Write the images that `init` uses into an archive, for machines without a registry
///
/// The runtime must hold them (`config images pull`). Its own program writes them out: `ctr` for containerd, `skopeo`
/// for CRI-O, `docker` for cri-dockerd. The archive is a tar file with an OCI image layout, in which every blob has been
/// verified against its digest; the same images give the same bytes. An existing file is not overwritten.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images export images.tar\n  kubestrap config images export --config kubeadm.yaml images.tar -o json"
)]
pub(super) struct Export {
    #[command(flatten)]
    pub(super) moving: Moving,
}
