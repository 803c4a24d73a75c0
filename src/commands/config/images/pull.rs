//! `config images pull`.

use super::{AREA, Selection};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::CriRuntime;
use crate::host::cri::{PullOptions, PullPolicy};
use crate::images;
use crate::output::Printer;

/// Pulls the images.
///
/// # Errors
/// When the configuration can't be used, or an image can't be pulled.
pub(crate) fn run(
    selection: &Selection,
    cri_socket: Option<&str>,
    out: &Printer,
) -> Result<ExitStatus, Error> {
    let settings = selection.settings_here(cri_socket, out)?;
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
        0 => Ok(ExitStatus::Done),
        n => Err(Error::new(
            ExitStatus::Failed,
            format!("{n} image{} could not be pulled", if n == 1 { "" } else { "s" }),
        )),
    }
}
