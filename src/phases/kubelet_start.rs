//! `kubelet-start`: kubelet's files, then kubelet.

use std::time::SystemTime;

use super::attention::{Attention, unhealthy};
use super::context::InitContext;
use super::patched;
use super::phase::{Outcome, Phase, PhaseError, PhaseResult};
use crate::health::Snapshot;
use crate::host::{FileMode, InitSystem, ServiceState, Written};
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
fn start(context: &mut InitContext, mut changed: bool) -> PhaseResult {
    let Some(init) = context.host.init_system() else {
        context.out.warn(SERVICE_START, "no systemd and no OpenRC here: start kubelet yourself, with what is in /var/lib/kubelet/config.yaml and kubeadm-flags.env");
        return Ok(Outcome::Done);
    };
    let state = init.state(SERVICE);
    for (path, text) in missing_units(init, &state) {
        context.out.log(SERVICE_START, format!("Installing {path}, which no package has brought"));
        changed |= context.host.write(path.as_ref(), text.as_bytes(), FileMode::UNIT)? != Written::Unchanged;
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

/// Unit and drop-in, as far as kubelet's service lacks them: kubelet's own package brings the unit alone, and the
/// drop-in, by which kubelet finds what was written here, is in kubeadm's.
fn missing_units(init: &dyn InitSystem, state: &ServiceState) -> Vec<(&'static str, &'static str)> {
    let drop_in = ("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", kubelet::DROP_IN);
    if init.name() != "systemd" {
        return vec![];
    }
    if !state.exists {
        return vec![("/etc/systemd/system/kubelet.service", kubelet::UNIT), drop_in];
    }
    // Whoever names a configuration has an idea of his own of how kubelet starts.
    let is_bare = |unit: String| !unit.contains("--config") && !unit.contains("kubeadm-flags.env");
    if init.unit(SERVICE).is_some_and(is_bare) { vec![drop_in] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ServiceError;

    struct Systemd(Option<String>);

    impl InitSystem for Systemd {
        fn name(&self) -> &'static str {
            "systemd"
        }
        fn state(&self, _: &str) -> ServiceState {
            ServiceState { exists: self.0.is_some(), ..ServiceState::default() }
        }
        fn stop(&self, _: &str) -> Result<(), ServiceError> {
            Ok(())
        }
        fn restart(&self, _: &str) -> Result<(), ServiceError> {
            Ok(())
        }
        fn enable(&self, _: &str) -> Result<(), ServiceError> {
            Ok(())
        }
        fn unit(&self, _: &str) -> Option<String> {
            self.0.clone()
        }
        fn recent_log(&self, _: &str, _: SystemTime) -> Vec<String> {
            vec![]
        }
    }

    #[test]
    fn what_packages_did_not_bring_is_installed() {
        let missing = |unit: Option<&str>| -> Vec<&str> {
            let init = Systemd(unit.map(str::to_owned));
            missing_units(&init, &init.state(SERVICE)).into_iter().map(|(path, _)| path).collect()
        };
        let drop_in = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf";
        assert_eq!(missing(None), ["/etc/systemd/system/kubelet.service", drop_in]);
        assert_eq!(missing(Some(kubelet::UNIT)), [drop_in]);
        assert_eq!(missing(Some(&[kubelet::UNIT, kubelet::DROP_IN].concat())), [""; 0]);
        assert_eq!(missing(Some("[Service]\nExecStart=/usr/bin/kubelet --config /etc/mine.yaml")), [""; 0]);
    }
}
