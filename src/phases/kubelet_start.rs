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
    let mut changed = false;
    let mut write = |context: &InitContext, name: &str, text: &str| -> Result<(), PhaseError> {
        let path = dir.join(name);
        context.out.log(SERVICE_START, format!("Writing \"{}\"", path.display()));
        changed |= context.host.write(&path, text.as_bytes(), FileMode::KUBELET)? != Written::Unchanged;
        Ok(())
    };
    write(context, "kubeadm-flags.env", &kubelet::flags_file(&context.settings))?;
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
    start(context, changed)
}

const SERVICE_START: &str = "kubelet-start";

/// Starts kubelet, anew if what it reads has changed. A kubelet that runs with these very files is left alone.
fn start(context: &mut InitContext, changed: bool) -> PhaseResult {
    let Some(init) = context.host.init_system() else {
        context.out.warn(SERVICE_START, "no systemd and no OpenRC here: start kubelet yourself, with what is in /var/lib/kubelet/config.yaml and kubeadm-flags.env");
        return Ok(Outcome::Done);
    };
    let state = init.state(SERVICE);
    if !state.exists && !context.host.is_dry_run() {
        install_unit(context)?;
    }
    if state.active && !changed {
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
    Ok(Outcome::Done)
}

/// Puts unit and drop-in on a machine whose packages brought none.
fn install_unit(context: &InitContext) -> Result<(), PhaseError> {
    let has_systemd = context.host.init_system().is_some_and(|i| i.name() == "systemd");
    if !has_systemd {
        return Ok(());
    }
    for (path, text) in [
        ("/etc/systemd/system/kubelet.service", kubelet::UNIT),
        ("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", kubelet::DROP_IN),
    ] {
        context
            .out
            .log(SERVICE_START, format!("Installing {path}, since this machine has no kubelet service"));
        context.host.write(path.as_ref(), text.as_bytes(), FileMode::UNIT)?;
    }
    Ok(())
}
