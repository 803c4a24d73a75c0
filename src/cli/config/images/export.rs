//! `config images export`.

use std::path::PathBuf;

use clap::Args;

use super::{Selection, moved};
use crate::cli::output_api::ObjectFormat;
use crate::output::{Format, Printer};
use crate::phases::PhaseError;

/// Write the images that `init` uses into an archive, for machines without a registry
///
/// The runtime must hold them (`config images pull`). Its own program writes them out: `ctr` for containerd, `skopeo`
/// for CRI-O, `docker` for cri-dockerd. The archive is a tar file with an OCI image layout, in which every blob has been
/// verified against its digest; the same images give the same bytes.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images export images.tar\n  kubestrap config images export --config kubeadm.yaml images.tar -o json"
)]
pub(super) struct Export {
    /// The archive to make; what is there already is not overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// The runtime's CRI socket (default: the one that is there)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// How to print what was exported
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
}

impl Export {
    /// Makes it, and prints what is in it.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        let out = Printer::new(Format::Text);
        let settings = self.selection.settings_here(self.cri_socket.as_deref(), &out)?;
        let carrier = moved::carrier(&settings.init.node_registration.cri_socket)?;
        let images = settings.images();
        let exported = carrier.export(&images, &self.file, &mut |step| moved::tell(&step, &out))?;
        moved::print(&exported, self.output, &out)
    }
}
