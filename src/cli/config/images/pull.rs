//! `config images pull`.

use clap::Args;

use super::{AREA, Selection};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::CriRuntime;
use crate::images::{self, PullOptions, PullPolicy};
use crate::output::{Format, Printer};

/// Pull the images that `init` uses, so that it need not wait for them
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images pull\n  kubestrap config images pull --config kubeadm.yaml --cri-socket unix:///run/containerd/containerd.sock"
)]
pub(super) struct Pull {
    #[command(flatten)]
    selection: Selection,
    /// The runtime's CRI socket (default: the one that is there)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
}

impl Pull {
    /// Pulls them.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let settings = self.selection.settings_here(self.cri_socket.as_deref(), &out)?;
        let socket = &settings.node.registration.cri_socket;
        let runtime = CriRuntime::new(socket).map_err(Error::usage)?;
        // As kubeadm does: each is asked of its registry even if it is here, so that a tag that moved is followed.
        let options = PullOptions { policy: PullPolicy::Always, serial: PullOptions::of(&settings).serial };
        let failed = images::pull(&runtime, &settings.images(), options, &mut |line| out.log(AREA, line))
            .map_err(|e| {
                Error::new(ExitStatus::Failed, format!("{e}; `--cri-socket` names another runtime's socket"))
            })?;
        out.findings(AREA, &failed);
        match failed.len() {
            0 => Ok(()),
            n => Err(Error::new(
                ExitStatus::Failed,
                format!("{n} image{} could not be pulled", if n == 1 { "" } else { "s" }),
            )),
        }
    }
}
