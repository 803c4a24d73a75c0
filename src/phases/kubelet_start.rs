//! `kubelet-start`: kubelet's files, then kubelet. It comes as soon as kubelet has what it starts with (its kubeconfig
//! and the CA), ahead of kubeadm's order: kubelet needs a second until it takes Pods, in which the keys of all others
//! are made.

use std::sync::Arc;
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
        .following("kubeconfig/kubelet")
}

fn run(context: &mut InitContext) -> PhaseResult {
    let dir = context.settings.paths.kubelet.clone();
    let mut files = vec![DROP_IN.into()];
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
    // kubelet watches a folder that comes later too, but what lay in it by then shows at the next listing only, up to
    // 20 seconds later.
    context.host.make_dir(&context.settings.paths.manifests, FileMode::MANIFEST.dir)?;
    // A run that was cut off may have written them and not come to this.
    let unread = changed || context.host.runs_older_than(SERVICE, &files);
    start(context, unread)
}

const SERVICE_START: &str = "kubelet-start";

/// Where the drop-in is put.
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf";

/// Starts kubelet, anew if it has not read its files as they are. One that runs with these very files is left alone.
fn start(context: &mut InitContext, mut unread: bool) -> PhaseResult {
    let host = Arc::clone(&context.host);
    let Some(init) = host.init_system() else {
        context.out.warn(SERVICE_START, "no systemd and no OpenRC here: start kubelet yourself, with what is in /var/lib/kubelet/config.yaml and kubeadm-flags.env");
        return Ok(Outcome::Done);
    };
    let state = init.state(SERVICE);
    for (path, text) in missing_units(init, state) {
        context.out.log(SERVICE_START, format!("Installing {path}, which no package has brought"));
        context.write(SERVICE_START, path.as_ref(), text.as_bytes(), FileMode::UNIT)?;
        unread = true;
    }
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

/// Unit and drop-in, as far as kubelet's service lacks them: kubelet's own package brings the unit alone, and the
/// drop-in, by which kubelet finds what was written here, is in kubeadm's.
/// The unit comes last: where it is, nothing is missing.
fn missing_units(init: &dyn InitSystem, state: ServiceState) -> Vec<(&'static str, &'static str)> {
    let drop_in = (DROP_IN, kubelet::DROP_IN);
    if init.name() != "systemd" {
        return vec![];
    }
    if !state.exists {
        return vec![drop_in, ("/etc/systemd/system/kubelet.service", kubelet::UNIT)];
    }
    let lacks = init.unit(SERVICE).is_some_and(|unit| kubelet::lacks_drop_in(&unit));
    if lacks { vec![drop_in] } else { vec![] }
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
            missing_units(&init, init.state(SERVICE)).into_iter().map(|(path, _)| path).collect()
        };
        assert_eq!(missing(None), [DROP_IN, "/etc/systemd/system/kubelet.service"]);
        assert_eq!(missing(Some(kubelet::UNIT)), [DROP_IN]);
        assert_eq!(missing(Some(&[kubelet::UNIT, kubelet::DROP_IN].concat())), [""; 0]);
        let own = "\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet -v 2\n";
        assert_eq!(missing(Some(&[kubelet::UNIT, own].concat())), [""; 0]);
        assert_eq!(missing(Some("[Service]\nExecStart=/usr/bin/kubelet --config /etc/mine.yaml")), [""; 0]);
    }
}
