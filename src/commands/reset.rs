//! `reset` and its phases.

use serde_json::json;

use super::confirm::is_confirmed;
use super::facts::of_kubelet;
use super::{configuration, init};
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::config::v1beta4::ResetConfiguration;
use crate::config::{HostFacts, Loaded, Overrides, ResetFlags, Settings, several_runtimes};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{self, RealHost};
use crate::output::Printer;
use crate::workflow::{Run, Seams};
use crate::workflows::reset::{self, Options, Reset};

/// What is asked about.
const REVERTED: &str = "Changes made to this host by 'kubestrap init' or 'kubestrap join' will be reverted.";

/// Runs the whole workflow, or `only` one phase.
///
/// # Errors
/// When the configuration can't be used, or a phase fails.
pub(crate) fn run(flags: &ResetFlags, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = reset::workflow();
    let (config, warnings) =
        flags.load(configuration::read_input).map_err(|e| configuration::unusable(&e))?;
    for warning in warnings {
        out.warn("config", warning.problem.to_string());
    }
    let selection = workflow.select(only, &config.skip_phases)?;
    let settings = settings(&config, selection.includes(reset::CLEANUP), out)?;
    // Before the question: somebody may answer it when another run has ended.
    let command = selection.only.as_ref().map_or("reset".into(), |id| format!("reset phase {id}"));
    let _lock = match config.dry_run {
        true => None,
        false => Some(init::lock(&settings.node.paths, &workflow.locks(&selection), &command)?),
    };
    let seams = match config.dry_run {
        true => Seams::dry(&settings, None, 0)?.seams,
        false => Seams::real(&settings, None, 0)?,
    };
    let asks = selection.includes(reset::PREFLIGHT) && !config.dry_run && !config.force;
    let options = Options {
        confirmed: !asks || is_confirmed(out, "reset", REVERTED, "--force"),
        cleanup_tmp_dir: config.cleanup_tmp_dir,
        stops_etcd: selection.includes(reset::CLEANUP),
        unmount_flags: host::unmount_flags(&config.unmount_flags),
    };
    let mut state = Reset::new(Run::new(settings, seams, out.clone(), false), options);
    workflow.run(&selection, &mut state)?;
    out.count_warnings("reset");
    out.result(json!({ "ok": true, "removed": state.run.changes.removed }), "");
    Ok(ExitStatus::Done)
}

/// This node's settings, as far as they matter to reset.
fn settings(config: &ResetConfiguration, removes_pods: bool, out: &Printer) -> Result<Settings, Error> {
    let mut loaded = Loaded::default();
    let given = Some(config.cri_socket.clone()).filter(|socket| !socket.is_empty());
    loaded.init.node_registration.cri_socket = match given {
        Some(socket) => socket,
        None => socket(removes_pods, config.dry_run, out)?,
    };
    loaded.init.timeouts.clone_from(&config.timeouts);
    loaded.cluster.certificates_dir.clone_from(&config.certificates_dir);
    let overrides = Overrides {
        dry_run: true,
        ignore_preflight_errors: config.ignore_preflight_errors.clone(),
        ..Overrides::default()
    };
    let quiet = Printer::new(crate::output::Format::Text).quiet();
    Ok(configuration::resolve(loaded, HostFacts::placeholder(), &overrides, &quiet)?.settings)
}

/// The container runtime's socket: kubelet's, by its own files, else the only one on this machine. Of several, which one
/// kubelet used can't be told, and Pods would be left in the other.
///
/// # Errors
/// When there are several, and one is needed.
fn socket(removes_pods: bool, is_dry: bool, out: &Printer) -> Result<String, Error> {
    if let Some(endpoint) = of_kubelet(&RealHost::new()) {
        return Ok(endpoint.to_string());
    }
    let sockets = host::gather().cri_sockets;
    if removes_pods && sockets.len() > 1 {
        let several = several_runtimes(&sockets);
        if !is_dry {
            return Err(Error::new(ExitStatus::Usage, several));
        }
        out.warn("config", format!("{several}; this dry run uses the first"));
    }
    Ok(sockets.into_iter().next().unwrap_or_else(|| DEFAULT_CRI_SOCKET.into()))
}
