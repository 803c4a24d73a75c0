//! `config images import`.

use clap::Args;

use super::moving::Moving;

/// Verify an archive of images, and give all of them to this machine's runtime
///
/// Takes what `config images export` wrote, and other tar files with an OCI image layout. Nothing is imported unless
/// every blob has its digest, no image lacks a part, and all are for this kind of machine. With --config or
/// --kubernetes-version, every image that `init` would use must be there, too.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images import images.tar\n  kubestrap config images import --config kubeadm.yaml images.tar"
)]
pub(super) struct Import {
    #[command(flatten)]
    pub(super) moving: Moving,
}
