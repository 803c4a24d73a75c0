//! `restore`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::backup::KeySource;
use super::configuration::{self, read_input, unusable};
use super::this_machine::require_root;
use super::{dry_run, init};
use crate::backup::Archive;
use crate::config::settings::Generated;
use crate::config::{self, HostFacts, Loaded, Overrides, Problem, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{self, RealHost, net, remove_all_leftovers};
use crate::output::Printer;
use crate::phases::preflight::await_sandbox_removal;
use crate::workflow::{DryRun, Ran, Run, Seams, Selection, Workflow};
use crate::workflows::restore::{self, Restore};

/// What to restore, and as what.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The archive.
    pub(crate) archive: PathBuf,
    /// What it is decrypted with.
    pub(crate) key: KeySource,
    /// A configuration instead of the archive's.
    pub(crate) config: Option<String>,
    /// The Node's name; the machine's host name where none is given.
    pub(crate) node_name: Option<String>,
    /// The address to advertise; the backup's where this machine has it, else that of the default route.
    pub(crate) advertise_address: Option<String>,
    /// The endpoint of the control plane instead of the configuration's.
    pub(crate) control_plane_endpoint: Option<String>,
    /// The container runtime's socket.
    pub(crate) cri_socket: Option<String>,
    /// Checks whose errors are warnings.
    pub(crate) ignore_preflight_errors: Vec<String>,
    /// Phases to skip.
    pub(crate) skip_phases: Vec<String>,
    /// Change nothing.
    pub(crate) dry_run: bool,
}

/// Runs the workflow.
///
/// # Errors
/// When the archive can't be used, or a phase fails.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = restore::workflow();
    let selection = workflow.select(None, &request.skip_phases)?;
    let archive = Archive::open(&request.archive, &request.key.unlock()?)?;
    let manifest = &archive.manifest;
    out.log(
        "restore",
        format!(
            "Restoring the backup of node {} ({}), made {}",
            manifest.node.name, manifest.node.address, manifest.time
        ),
    );
    let mut settings = settings(request, &archive, out)?;
    let (data, text) = if request.dry_run {
        // Findings are told, but can't stop a dry run.
        settings.node.registration.ignore_preflight_errors = vec!["all".into()];
        run_dry(settings, archive, &workflow, &selection, out)?
    } else {
        require_root(&RealHost::new())?;
        run_real(settings, archive, &workflow, &selection, out)?
    };
    out.count_warnings("restore");
    out.result(data, &text);
    Ok(ExitStatus::Done)
}

/// The settings: the archive's configuration, or the one that is given, on this machine.
fn settings(request: &Request, archive: &Archive, out: &Printer) -> Result<Settings, Error> {
    let (name, text) = match &request.config {
        Some(file) => {
            let text = read_input(file)
                .map_err(|message| unusable(&Problem::new("configuration", "", message).into()))?;
            (file.clone(), text)
        }
        None => match archive.configuration() {
            Some(text) => ("configuration.yaml in the archive".to_owned(), text),
            None => {
                return Err(Error::new(
                    ExitStatus::Usage,
                    "the archive has no configuration: the API server did not answer when it was made\n  fix: give the configuration of the cluster with --config FILE",
                ));
            }
        },
    };
    let mut loaded = config::load(&name, &text).map_err(|e| unusable(&e))?;
    let here = net::addresses().unwrap_or_default().into_iter().map(|a| a.ip).collect::<Vec<_>>();
    on_this_machine(&mut loaded, request, &here);
    let overrides = Overrides {
        ignore_preflight_errors: request.ignore_preflight_errors.clone(),
        dry_run: request.dry_run,
        ..Overrides::default()
    };
    let facts: HostFacts = host::gather();
    let mut settings = configuration::resolve(loaded, facts, &overrides, out)?.settings;
    if request.config.is_none() {
        let cluster = &archive.manifest.cluster;
        settings.cluster.generated =
            Generated { kubelet: cluster.generated_kubelet, kube_proxy: cluster.generated_kube_proxy };
    }
    Ok(settings)
}

/// Makes a configuration that of this machine, which may have another name and other addresses than the backup's.
fn on_this_machine(loaded: &mut Loaded, request: &Request, here: &[IpAddr]) {
    let node = &mut loaded.init.node_registration;
    if request.config.is_none() {
        node.name.clear();
        node.cri_socket.clear();
        let advertised = &mut loaded.init.local_api_endpoint.advertise_address;
        if !advertised.parse().is_ok_and(|ip: IpAddr| here.contains(&ip)) {
            advertised.clear();
        }
    }
    if let Some(name) = &request.node_name {
        node.name.clone_from(name);
    }
    if let Some(socket) = &request.cri_socket {
        node.cri_socket.clone_from(socket);
    }
    if let Some(address) = &request.advertise_address {
        loaded.init.local_api_endpoint.advertise_address.clone_from(address);
    }
    if let Some(endpoint) = &request.control_plane_endpoint {
        loaded.cluster.control_plane_endpoint.clone_from(endpoint);
    }
}

fn run_dry(
    settings: Settings,
    archive: Archive,
    workflow: &Workflow<Restore>,
    selection: &Selection,
    out: &Printer,
) -> Result<(Value, String), Error> {
    let keys = workflow.keys_needed(selection, &settings, &RealHost::new());
    let DryRun { seams, host, recorder, checks } = Seams::dry(&settings, None, keys)?;
    let mut state = Restore { run: Run::new(settings, seams, out.clone(), false), archive };
    let result =
        workflow.run(selection, &mut state).and_then(|_| dry_run::report(&host, &recorder.objects(), out));
    out.findings("preflight", &checks.found().findings);
    result.map(|()| (json!({ "ok": true, "dryRun": true }), String::new()))
}

fn run_real(
    settings: Settings,
    archive: Archive,
    workflow: &Workflow<Restore>,
    selection: &Selection,
    out: &Printer,
) -> Result<(Value, String), Error> {
    let start = Instant::now();
    let _lock = init::lock(&settings.node.paths, &workflow.locks(selection), "restore")?;
    remove_all_leftovers(settings.node.paths.folders());
    let keys = workflow.keys_needed(selection, &settings, &RealHost::new());
    let seams = Seams::real(&settings, None, keys)?;
    let mut state = Restore { run: Run::new(settings, seams, out.clone(), false), archive };
    let ran = workflow.run(selection, &mut state);
    let restarted = state.run.await_restart();
    let ran = ran?;
    restarted?;
    await_sandbox_removal(&state.run);
    Ok(result(&state, &ran, start.elapsed()))
}

/// What came of it: for machines, and for people.
fn result(state: &Restore, ran: &[Ran], took: std::time::Duration) -> (Value, String) {
    let seconds = |d: std::time::Duration| json!((d.as_secs_f64() * 1000.0).round() / 1000.0);
    let durations: Map<String, Value> = ran.iter().map(|r| (r.id.clone(), seconds(r.took))).collect();
    let settings = &state.run.settings;
    let data = json!({
        "ok": true,
        "seconds": seconds(took),
        "phases": durations,
        "nodeName": settings.node_name(),
        "advertiseAddress": settings.node.advertise_address.to_string(),
        "archive": state.archive.manifest.id,
    });
    let text = format!(
        "Your cluster is restored on node {}.\n\nTo use it: export KUBECONFIG={}\n",
        settings.node_name(),
        settings.node.paths.kubeconfig("admin.conf").display()
    );
    (data, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            archive: PathBuf::new(),
            key: KeySource::default(),
            config: None,
            node_name: None,
            advertise_address: None,
            control_plane_endpoint: None,
            cri_socket: None,
            ignore_preflight_errors: vec![],
            skip_phases: vec![],
            dry_run: false,
        }
    }

    fn loaded() -> Loaded {
        let mut loaded = Loaded::default();
        loaded.init.node_registration.name = "old".into();
        loaded.init.local_api_endpoint.advertise_address = "10.0.0.1".into();
        loaded
    }

    #[test]
    fn old_address_is_kept_only_where_this_machine_has_it() {
        let address = |here: &str| {
            let mut loaded = loaded();
            on_this_machine(&mut loaded, &request(), &[here.parse().unwrap()]);
            (loaded.init.node_registration.name, loaded.init.local_api_endpoint.advertise_address)
        };
        assert_eq!(address("10.0.0.1"), (String::new(), "10.0.0.1".into()));
        assert_eq!(address("10.0.0.2"), (String::new(), String::new()));
    }

    #[test]
    fn flags_win_over_the_configuration() {
        let mut loaded = loaded();
        let request = Request {
            config: Some("f".into()),
            node_name: Some("new".into()),
            advertise_address: Some("10.0.0.3".into()),
            control_plane_endpoint: Some("api.test:6443".into()),
            ..request()
        };
        on_this_machine(&mut loaded, &request, &[]);
        assert_eq!(loaded.init.node_registration.name, "new");
        assert_eq!(loaded.init.local_api_endpoint.advertise_address, "10.0.0.3");
        assert_eq!(loaded.cluster.control_plane_endpoint, "api.test:6443");
    }
}
