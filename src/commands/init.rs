//! `init` and its phases.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::configuration::Configuration;
use super::{dry_run, facts};
use crate::config::{Paths, Resolved, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Lock, RealHost, remove_all_leftovers};
use crate::output::{Printer, closing};
use crate::phases::bootstrap_token::Tokens;
use crate::phases::preflight::await_sandbox_removal;
use crate::program;
use crate::workflow::{DryRun, Folder, Ran, Run, Seams, Selection, Workflow};
use crate::workflows::init::{self, CERTIFICATE_KEY, Init, Options};
use crate::yaml;

/// What `init` is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The configuration.
    pub(crate) configuration: Configuration,
    /// A dry run, or not; the configuration says where nobody else does.
    pub(crate) dry_run: Option<bool>,
    /// Where a dry run leaves its result.
    pub(crate) dry_run_dir: Option<PathBuf>,
    /// The user's own kubeconfig to reach the cluster with.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Print the manifests of an addon's phase, and install nothing.
    pub(crate) print_manifest: bool,
    /// Configuration and patch warnings are errors.
    pub(crate) strict: bool,
    /// What init's own phases need.
    pub(crate) options: Options,
}

/// Runs the whole workflow, or `only` one phase and those in it.
///
/// # Errors
/// When the configuration can't be used, or a phase fails.
pub(crate) fn run(request: &Request, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = init::workflow();
    if request.print_manifest && !only.as_deref().is_some_and(is_addon) {
        return Err(Error::new(ExitStatus::Usage, "--print-manifest is a flag of `init phase addon` alone"));
    }
    let needs_runtime = facts::needs_runtime(only.as_deref());
    let (mut resolved, selection) = resolve(request, only, needs_runtime, &workflow, out)?;
    if request.print_manifest {
        return print_manifest(request, resolved, &workflow, &selection, out);
    }
    if selection.only.is_none() {
        out.log("init", format!("Using Kubernetes version: {}", resolved.settings.cluster.version));
    }
    let (data, text) = if request.dry_run.unwrap_or(resolved.init.dry_run) {
        // Findings are told, but can't stop a dry run.
        resolved.settings.node.registration.ignore_preflight_errors = vec!["all".into()];
        run_dry(request, resolved, &workflow, &selection, out)?
    } else {
        run_real(request, resolved, &workflow, &selection, out)?
    };
    out.count_warnings("init");
    // Machines find the result last.
    out.result(data, &text);
    Ok(ExitStatus::Done)
}

/// The settings, and the phases to run.
///
/// # Errors
/// When the configuration can't be used.
pub(super) fn resolve(
    request: &Request,
    only: Option<String>,
    needs_runtime: bool,
    workflow: &Workflow<Init>,
    out: &Printer,
) -> Result<(Resolved, Selection), Error> {
    let mut resolved = request.configuration.resolve(needs_runtime, out)?;
    let selection = workflow.select(only, &resolved.init.skip_phases)?;
    // As by kubeadm, an addon whose phase is skipped is recorded as disabled, so that an upgrade leaves it out too.
    let cluster = &mut resolved.settings.cluster.config;
    cluster.dns.disabled |= selection.skips("addon/coredns");
    cluster.proxy.disabled |= selection.skips("addon/kube-proxy");
    Ok((resolved, selection))
}

/// The state at the beginning.
pub(super) fn state(resolved: Resolved, seams: Seams, request: &Request, out: &Printer) -> Init {
    let Resolved { settings, init, generated_tokens, .. } = resolved;
    let tokens = Tokens::new(init.bootstrap_tokens, generated_tokens);
    let run = Run::new(settings, seams, out.clone(), request.strict);
    Init::new(run, tokens, &init.certificate_key, request.options.clone())
}

fn is_addon(id: &str) -> bool {
    id.split('/').next() == Some("addon")
}

/// Prints the manifests that the selected phase would apply. As by kubeadm, the cluster is not asked.
fn print_manifest(
    request: &Request,
    resolved: Resolved,
    workflow: &Workflow<Init>,
    selection: &Selection,
    out: &Printer,
) -> Result<ExitStatus, Error> {
    let DryRun { seams, recorder, .. } = Seams::dry(&resolved.settings, None, 0)?;
    let mut init = state(resolved, seams, request, &out.quiet());
    workflow.run(selection, &mut init)?;
    for object in recorder.objects() {
        out.document(&object.object_name().to_string(), &yaml::to_string(&object.printable())?);
    }
    Ok(ExitStatus::Done)
}

fn run_dry(
    request: &Request,
    resolved: Resolved,
    workflow: &Workflow<Init>,
    selection: &Selection,
    out: &Printer,
) -> Result<(Value, String), Error> {
    let keys = workflow.keys_needed(selection, &resolved.settings, &RealHost::new());
    let DryRun { seams, host, recorder, checks } =
        Seams::dry(&resolved.settings, request.dry_run_dir.clone(), keys)?;
    let mut init = state(resolved, seams, request, out);
    check_patches(&init.run, selection)?;
    let result =
        workflow.run(selection, &mut init).and_then(|_| dry_run::report(&host, &recorder.objects(), out));
    out.findings("preflight", &checks.found().findings);
    result.map(|()| (json!({ "ok": true, "dryRun": true }), String::new()))
}

fn run_real(
    request: &Request,
    resolved: Resolved,
    workflow: &Workflow<Init>,
    selection: &Selection,
    out: &Printer,
) -> Result<(Value, String), Error> {
    let start = Instant::now();
    let settings = &resolved.settings;
    let command = selection.only.as_ref().map_or("init".into(), |id| format!("init phase {id}"));
    let _lock = lock(&settings.node.paths, &workflow.locks(selection), &command)?;
    remove_all_leftovers(settings.node.paths.folders());
    let keys = workflow.keys_needed(selection, settings, &RealHost::new());
    let seams = Seams::real(settings, request.kubeconfig.clone(), keys)?;
    let mut init = state(resolved, seams, request, out);
    check_patches(&init.run, selection)?;
    let ran = workflow.run(selection, &mut init);
    let restarted = init.run.await_restart();
    let ran = ran?;
    restarted?;
    await_sandbox_removal(&init.run);
    result(&init, selection, &ran, start.elapsed())
}

/// What came of it: for machines, and for people.
fn result(init: &Init, selection: &Selection, ran: &[Ran], took: Duration) -> Result<(Value, String), Error> {
    let seconds = |d: Duration| json!((d.as_secs_f64() * 1000.0).round() / 1000.0);
    let durations: Map<String, Value> = ran.iter().map(|r| (r.id.clone(), seconds(r.took))).collect();
    let changed = !init.run.changes.is_empty();
    let mut fields = Map::new();
    fields.insert("ok".into(), json!(true));
    fields.insert("changed".into(), json!(changed));
    fields.insert("seconds".into(), seconds(took));
    fields.insert("phases".into(), Value::Object(durations));
    let mut text = String::new();
    let uploaded = init.options.upload_certs && ran.iter().any(|r| r.id == "upload-certs");
    if let Some(closing) = &init.closing {
        fields.extend(closing.data());
        text =
            if changed || selection.only.is_some() { closing.text()? } else { closing.unchanged_text()? };
    } else if let Some(key) = init.certificate_key.as_deref().filter(|_| uploaded) {
        // Without the closing message, nothing else shows the key that was just generated.
        let key = closing::shown(key, !init.options.skip_certificate_key_print);
        fields.insert("certificateKey".into(), json!(key));
        // Under kubeadm's name the phase has said it.
        if !program::is_kubeadm() {
            text = format!("[upload-certs] {CERTIFICATE_KEY}\n{key}\n");
        }
    }
    Ok((Value::Object(fields), text))
}

/// A whole run tries its patches first; a single phase reads only what it needs.
fn check_patches(run: &Run, selection: &Selection) -> Result<(), Error> {
    if selection.only.is_none() { run.check_patches() } else { Ok(()) }
}

/// Keeps other runs out of the folders meanwhile.
///
/// # Errors
/// When another run is in one of them.
pub(super) fn lock(paths: &Paths, folders: &[Folder], command: &str) -> Result<Lock, Error> {
    let folders: Vec<&Path> = folders
        .iter()
        .map(|folder| match folder {
            Folder::Certificates => paths.certificates.as_path(),
            Folder::Kubeconfigs => paths.kubeconfig_dir.as_path(),
            Folder::Manifests => paths.manifests.as_path(),
        })
        .collect();
    Ok(Lock::take(&folders, command)?)
}

/// The administrator's kubeconfig, or the user's own.
pub(super) fn kubeconfig(request: &Request, settings: &Settings) -> PathBuf {
    request.kubeconfig.clone().unwrap_or_else(|| settings.node.paths.kubeconfig("admin.conf"))
}
