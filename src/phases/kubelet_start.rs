//! `kubelet-start`: kubelet's files, then kubelet.

use std::time::SystemTime;

use super::attention::{Attention, unhealthy};
use super::context::InitContext;
use super::patched;
use super::phase::{Outcome, Phase, PhaseError, PhaseResult};
use crate::health::Snapshot;
use crate::host::{FileMode, Written};
use crate::kubelet;
use crate::yaml;

/// The service's name.
const SERVICE: &str = "kubelet";

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("kubelet-start", "Write kubelet's configuration and start kubelet", run)
}

fn run(context: &mut InitContext) -> PhaseResult {
    let dir = context.settings.paths.kubelet.clone();
    let mut files = vec![];
    let mut changed = false;
    let mut write = |context: &mut InitContext, name: &str, text: &str| -> Result<(), PhaseError> {
        let path = dir.join(name);
        let written = context.write(SERVICE_START, &path, text.as_bytes(), FileMode::KUBELET)?;
        changed |= written != Written::Unchanged;
        let done = if written == Written::Unchanged { "Keeping" } else { "Wrote" };
        context.out.log(SERVICE_START, format!("{done} \"{}\"", path.display()));
        files.push(path);
        Ok(())
    };
    let flags = kubelet::flags_file(&context.settings);
    write(context, "kubeadm-flags.env", &flags)?;
    let instance = kubelet::instance_configuration(&context.settings);
    if let Some(instance) = &instance {
        // Without apiVersion and kind, and its one value in quotes: kubeadm's form of a patch.
        let endpoint = instance.get("containerRuntimeEndpoint").map(ToString::to_string).unwrap_or_default();
        write(context, "instance-config.yaml", &format!("containerRuntimeEndpoint: {endpoint}\n"))?;
    }
    let configuration = kubelet::node_configuration(&context.settings).to_value()?;
    let configuration = patched::value(context, "kubeletconfiguration", configuration)?;
    let configuration = kubelet::with_instance(configuration, instance.as_ref());
    write(context, "config.yaml", &yaml::to_string(&configuration)?)?;
    // A run that was cut off may have written them and not come to this.
    let unread = changed || context.host.runs_older_than(SERVICE, &files);
    start(context, unread)
}

const SERVICE_START: &str = "kubelet-start";

/// Starts kubelet, anew if it has not read its files as they are. One that runs with these very files is left alone.
fn start(context: &mut InitContext, unread: bool) -> PhaseResult {
    if context.host.init_system().is_some_and(|i| i.name() == "systemd" && !i.state(SERVICE).exists) {
        install_unit(context)?;
    }
    let Some(init) = context.host.init_system() else {
        context.out.warn(SERVICE_START, "no systemd and no OpenRC here: start kubelet yourself, with what is in /var/lib/kubelet/config.yaml and kubeadm-flags.env");
        return Ok(Outcome::Done);
    };
    let state = init.state(SERVICE);
    if state.active && !unread {
        context.out.log(SERVICE_START, "kubelet already runs with this configuration");
        return Ok(Outcome::Done);
    }
    context.out.log(SERVICE_START, "Starting kubelet");
    if !state.enabled
        && let Err(error) = init.enable(SERVICE)
    {
        context.out.warn(SERVICE_START, format!("kubelet will not start with the machine: {error}"));
    }
    let since = SystemTime::now();
    let started = init.restart(SERVICE);
    context.kubelet_started = Some(since);
    started.map_err(|error| {
        let silent = Snapshot { kubelet: Some(error.to_string()), ..Snapshot::default() };
        let causes = Attention::new(context).causes(context, &silent);
        unhealthy(context, SERVICE_START, &format!("kubelet can't be started: {error}"), causes)
    })?;
    context.changes.restarted.push(SERVICE);
    Ok(Outcome::Done)
}

/// Puts unit and drop-in on a machine whose packages brought none. The unit comes last: where it is, nothing is missing.
fn install_unit(context: &mut InitContext) -> Result<(), PhaseError> {
    for (path, text) in [
        ("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", kubelet::DROP_IN),
        ("/etc/systemd/system/kubelet.service", kubelet::UNIT),
    ] {
        context
            .out
            .log(SERVICE_START, format!("Installing {path}, since this machine has no kubelet service"));
        context.write(SERVICE_START, path.as_ref(), text.as_bytes(), FileMode::UNIT)?;
    }
    Ok(())
}
