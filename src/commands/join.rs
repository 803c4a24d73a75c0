//! `join` and its phases.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use askama::Template;
use serde_json::{Map, Value, json};

use super::configuration::Asked;
use super::{configuration, dry_run, facts, init};
use crate::cluster::Recorder;
use crate::config::{ClusterSettings, JoinFlags, ResolvedJoin, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{RealHost, remove_all_leftovers};
use crate::output::Printer;
use crate::phases::preflight::await_sandbox_removal;
use crate::workflow::{DryRun, Ran, Run, Seams, Selection, Workflow};
use crate::workflows::join::{self, Join, KEYS};

/// What `join` is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The flags, which name a file or stand for a configuration.
    pub(crate) flags: JoinFlags,
    /// Where a dry run leaves its result.
    pub(crate) dry_run_dir: Option<PathBuf>,
    /// Remove a stale etcd member of this node's name or address.
    pub(crate) replace_etcd_member: bool,
}

/// The closing message.
#[derive(Template)]
#[template(path = "messages/joined.txt")]
struct Joined {
    control_plane: bool,
    etcd_member: bool,
    changed: bool,
}

/// Runs the whole workflow, or `only` one phase and those in it.
///
/// # Errors
/// When the configuration can't be used, or a phase fails.
pub(crate) fn run(request: &Request, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = join::workflow();
    let mut overrides = request.flags.overrides();
    overrides.any_runtime = !facts::needs_runtime(only.as_deref());
    let loaded = request.flags.load(configuration::read_input).map_err(|e| configuration::unusable(&e))?;
    let endpoint = loaded.join.control_plane.as_ref().map(|c| &c.local_api_endpoint);
    let asked = Asked::new(&loaded.join.node_registration, endpoint, &overrides);
    let resolved = loaded.resolve(facts::facts(), &overrides).map_err(|e| configuration::unusable(&e))?;
    asked.log(&resolved.node);
    for warning in &resolved.warnings {
        out.warn("config", warning.problem.to_string());
    }
    let selection = workflow.select(only, &resolved.join.skip_phases)?;
    let (data, text) = if overrides.dry_run || resolved.join.dry_run {
        run_dry(request, resolved, &workflow, &selection, out)?
    } else {
        run_real(request, resolved, &workflow, &selection, out)?
    };
    out.count_warnings("join");
    // Machines find the result last.
    out.result(data, &text);
    Ok(ExitStatus::Done)
}

fn run_dry(
    request: &Request,
    mut resolved: ResolvedJoin,
    workflow: &Workflow<Join>,
    selection: &Selection,
    out: &Printer,
) -> Result<(Value, String), Error> {
    // Findings are told, but can't stop a dry run.
    resolved.node.registration.ignore_preflight_errors = vec!["all".into()];
    let settings = Settings { cluster: ClusterSettings::unknown(), node: resolved.node };
    let keys = workflow.keys_needed(selection, &settings, &RealHost::new());
    let DryRun { seams, host, recorder, checks } = Seams::dry(&settings, request.dry_run_dir.clone(), keys)?;
    let run = Run::new(settings, seams, out.clone(), request.flags.strict == Some(true));
    let mut state = Join::new(run, resolved.join, request.replace_etcd_member);
    let result = workflow
        .run(selection, &mut state)
        .and_then(|_| dry_run::report(&host, &Recorder::objects(&recorder), out));
    out.findings("preflight", &checks.found().findings);
    result.map(|()| (json!({ "ok": true, "dryRun": true }), String::new()))
}

fn run_real(
    request: &Request,
    resolved: ResolvedJoin,
    workflow: &Workflow<Join>,
    selection: &Selection,
    out: &Printer,
) -> Result<(Value, String), Error> {
    let start = Instant::now();
    let settings = Settings { cluster: ClusterSettings::unknown(), node: resolved.node };
    let command = selection.only.as_ref().map_or("join".into(), |id| format!("join phase {id}"));
    let _lock = init::lock(&settings.node.paths, &workflow.locks(selection), &command)?;
    remove_all_leftovers(settings.node.paths.folders());
    // Of the algorithm that nearly all clusters have; the cluster tells whether it is another.
    let keys = if resolved.join.control_plane.is_some() { KEYS } else { 0 };
    let seams = Seams::real(&settings, None, keys)?;
    let run = Run::new(settings, seams, out.clone(), request.flags.strict == Some(true));
    let mut state = Join::new(run, resolved.join, request.replace_etcd_member);
    let ran = workflow.run(selection, &mut state);
    if ran.is_ok() {
        // A phase on its own: nothing waits for the control plane after it.
        state.turn_kubelet();
    }
    let restarted = state.run.await_restart();
    await_sandbox_removal(&state.run);
    let ran = ran?;
    restarted?;
    result(&state, selection, &ran, start.elapsed())
}

/// What came of it: for machines, and for people.
fn result(
    state: &Join,
    selection: &Selection,
    ran: &[Ran],
    took: Duration,
) -> Result<(Value, String), Error> {
    let seconds = |d: Duration| json!((d.as_secs_f64() * 1000.0).round() / 1000.0);
    let durations: Map<String, Value> = ran.iter().map(|r| (r.id.clone(), seconds(r.took))).collect();
    let changed = !state.run.changes.is_empty();
    let data = json!({
        "ok": true,
        "changed": changed,
        "seconds": seconds(took),
        "phases": durations,
        "nodeName": state.run.settings.node_name(),
        "controlPlane": state.is_control_plane(),
        "etcdMember": state.has_etcd_member(),
    });
    if selection.only.is_some() {
        return Ok((data, String::new()));
    }
    let message =
        Joined { control_plane: state.is_control_plane(), etcd_member: state.has_etcd_member(), changed };
    Ok((data, message.render()?))
}
