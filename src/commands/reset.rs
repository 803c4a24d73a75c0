//! `reset`.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use serde_json::json;

use super::{configuration, init};
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::config::{HostFacts, Loaded, Overrides};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{self, UnmountFlags};
use crate::output::Printer;
use crate::workflow::{Run, Seams};
use crate::workflows::reset::{self, Options, Reset};

/// What `reset` is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The certificates' folder to empty; kubeadm's default where none is given.
    pub(crate) cert_dir: Option<PathBuf>,
    /// Empty /etc/kubernetes/tmp too.
    pub(crate) cleanup_tmp_dir: bool,
    /// The container runtime's socket.
    pub(crate) cri_socket: Option<String>,
    /// Change nothing.
    pub(crate) dry_run: bool,
    /// Do not ask for confirmation.
    pub(crate) force: bool,
    /// Phases to skip.
    pub(crate) skip_phases: Vec<String>,
}

/// Runs the workflow.
///
/// # Errors
/// When a phase fails.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = reset::workflow();
    let selection = workflow.select(None, &request.skip_phases)?;
    let mut loaded = Loaded::default();
    loaded.init.node_registration.cri_socket = request.cri_socket.clone().unwrap_or_else(socket);
    let facts = HostFacts { hostname: "localhost".into(), ..HostFacts::default() };
    let overrides = Overrides { dry_run: true, ..Overrides::default() };
    let settings = configuration::resolve(
        loaded,
        facts,
        &overrides,
        &Printer::new(crate::output::Format::Text).quiet(),
    )?
    .settings;
    let certificates = request.cert_dir.clone().unwrap_or_else(|| settings.node.paths.certificates.clone());
    // Before the question: somebody may answer it when another run has ended.
    let locks = workflow.locks(&selection);
    let _lock = match request.dry_run {
        true => None,
        false => Some(init::lock(&settings.node.paths, &locks, "reset")?),
    };
    let seams = match request.dry_run {
        true => Seams::dry(&settings, None, 0)?.seams,
        false => Seams::real(&settings, None, 0)?,
    };
    let options = Options {
        confirmed: request.dry_run || request.force || confirm(out),
        certificates,
        cleanup_tmp_dir: request.cleanup_tmp_dir,
        unmount_flags: UnmountFlags::empty(),
    };
    let mut state = Reset { run: Run::new(settings, seams, out.clone(), false), options };
    workflow.run(&selection, &mut state)?;
    out.result(json!({ "ok": true, "removed": state.run.changes.removed }), "");
    Ok(ExitStatus::Done)
}

/// The container runtime's socket on this machine; where there are several, the first.
fn socket() -> String {
    host::gather().cri_sockets.into_iter().next().unwrap_or_else(|| DEFAULT_CRI_SOCKET.into())
}

fn confirm(out: &Printer) -> bool {
    out.log(
        "reset",
        "WARNING: Changes made to this host by 'kubestrap init' or 'kubestrap join' will be reverted.",
    );
    out.log("reset", "Are you sure you want to proceed? [y/N]:");
    if !std::io::stdin().is_terminal() {
        out.log("reset", "(reading the answer from standard input; --force skips this question)");
    }
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
