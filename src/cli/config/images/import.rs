//! `config images import`.

use std::path::PathBuf;

use clap::Args;

use super::{Selection, moved};
use crate::cli::output_api::ObjectFormat;
use crate::output::{Format, Printer};
use crate::phases::PhaseError;

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
    /// The archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// The runtime's CRI socket (default: the one that is there)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// How to print what was imported
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
}

impl Import {
    /// Imports it, and prints what was in it.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        let out = Printer::new(Format::Text);
        let settings = self.selection.settings_here(self.cri_socket.as_deref(), &out)?;
        let carrier = moved::carrier(&settings.init.node_registration.cri_socket)?;
        let wanted = if self.selection.is_made() { settings.images() } else { vec![] };
        let imported = carrier.import(&self.file, &wanted, &mut |step| moved::tell(&step, &out))?;
        moved::print(&imported, self.output, &out)
    }
}
