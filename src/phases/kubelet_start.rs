//! `kubelet-start`: kubelet's files, then kubelet itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use super::attention::{Attention, unhealthy};
use super::watched::watched;
use crate::error::Error;
use crate::health::{Snapshot, Stage};
use crate::host::{FileMode, InitSystem, ServiceState, Written};
use crate::kubelet;
use crate::patches::KUBELET_CONFIGURATION;
use crate::pki::{PrivateKey, is_cut_off};
use crate::workflow::{Outcome, PhaseResult, Run, Verb, apply_value_patches};
use crate::yaml;

/// The service's name.
const SERVICE: &str = "kubelet";

/// Where the drop-in is put.
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf";

/// kubelet's files as this run leaves them.
pub(crate) struct KubeletFiles {
    files: Vec<PathBuf>,
    changed: bool,
}

/// Writes kubelet's files and starts kubelet.
///
/// # Errors
/// When a file can't be written, or kubelet can't be started.
pub(crate) fn write_and_start(run: &mut Run) -> PhaseResult {
    let files = write_files(run)?;
    start(run, &files)
}

/// Writes kubelet's configuration and flags.
///
/// # Errors
/// When a file can't be written, or a patch can't be applied.
fn write_files(run: &mut Run) -> Result<KubeletFiles, Error> {
    let mut written = KubeletFiles { files: vec![DROP_IN.into()], changed: false };
    let flags = kubelet::flags_file(&run.settings);
    written.write(run, "kubeadm-flags.env", "kubelet environment file with flags", &flags)?;
    let configuration = configuration(run)?;
    written.write_configuration(run, &configuration)?;
    write_serving_certificate(run, &configuration)?;
    // kubelet also watches a folder that is created later, but files that are in it by then show at its next listing
    // only, up to 20 seconds later.
    run.host.make_dir(&run.settings.node.paths.manifests, FileMode::MANIFEST.dir)?;
    Ok(written)
}

/// Writes the certificate that kubelet serves with, if it would otherwise make one itself. What is there already stays.
/// A dry run starts no kubelet, which would need it.
fn write_serving_certificate(run: &mut Run, configuration: &Value) -> Result<(), Error> {
    let Some(dir) = kubelet::own_certificate_dir(&run.settings, configuration) else { return Ok(()) };
    let (certificate, key) = (dir.join("kubelet.crt"), dir.join("kubelet.key"));
    if !run.watch.waits() || run.host.exists(&certificate) {
        return Ok(());
    }
    // A key alone was left by a run that was interrupted.
    let private = match run.host.read(&key)?.filter(|pem| !is_cut_off(pem)) {
        Some(pem) => PrivateKey::from_pem(&pem),
        None => PrivateKey::generate(kubelet::SERVING_ALGORITHM),
    };
    let Ok(private) = private else { return Ok(()) };
    let text = kubelet::serving_certificate(&run.settings, &private, run.started)?;
    run.write(&key, private.to_pem()?.as_bytes(), FileMode::SECRET)?;
    run.write(&certificate, text.as_bytes(), FileMode::CERTIFICATE)?;
    Ok(())
}

/// kubelet's configuration on this node, patched.
///
/// # Errors
/// When a patch can't be applied.
pub(crate) fn configuration(run: &Run) -> Result<Value, Error> {
    let instance = kubelet::instance_configuration(&run.settings);
    let configuration = kubelet::node_configuration(&run.settings).to_value()?;
    let configuration = apply_value_patches(run, KUBELET_CONFIGURATION, configuration)?;
    Ok(kubelet::with_instance(configuration, instance.as_ref()))
}

/// Writes kubelet's configuration, and leaves its flags as they are.
///
/// # Errors
/// When a file can't be written.
pub(crate) fn write_configuration(run: &mut Run, configuration: &Value) -> Result<(), Error> {
    KubeletFiles { files: vec![], changed: false }.write_configuration(run, configuration)
}

impl KubeletFiles {
    fn write(&mut self, run: &mut Run, name: &str, what: &str, text: &str) -> Result<(), Error> {
        let path = run.settings.node.paths.kubelet.join(name);
        match run.write(&path, text.as_bytes(), FileMode::KUBELET)? {
            Written::Unchanged => run.log(format!("Using existing {what} file \"{}\"", path.display())),
            _ => {
                self.changed = true;
                run.act(Verb::Write, format!("{what} to file \"{}\"", path.display()));
            }
        }
        self.files.push(path);
        Ok(())
    }

    fn write_configuration(&mut self, run: &mut Run, configuration: &Value) -> Result<(), Error> {
        if let Some(instance) = kubelet::instance_configuration(&run.settings) {
            // Without apiVersion and kind, and its one value in quotes: kubeadm's form of a patch.
            let endpoint =
                instance.get("containerRuntimeEndpoint").map(ToString::to_string).unwrap_or_default();
            let text = format!("containerRuntimeEndpoint: {endpoint}\n");
            self.write(run, "instance-config.yaml", "kubelet instance configuration", &text)?;
        }
        self.write(run, "config.yaml", "kubelet configuration", &yaml::to_string(configuration)?)
    }
}

/// Starts kubelet, or restarts it if it has not read its files as they are. One that runs with these very files is left
/// alone.
///
/// # Errors
/// When it can't be started; with the cause, as far as it is known.
pub(crate) fn start(run: &mut Run, files: &KubeletFiles) -> PhaseResult {
    // An interrupted run may have written them without starting kubelet.
    let mut unread = files.changed || run.host.runs_older_than(SERVICE, &files.files);
    let host = Arc::clone(&run.host);
    let Some(init) = host.init_system() else {
        run.warn("this machine has neither systemd nor OpenRC: start kubelet yourself, with /var/lib/kubelet/config.yaml and the flags in /var/lib/kubelet/kubeadm-flags.env");
        return Ok(Outcome::Done);
    };
    let state = init.state(SERVICE);
    for (path, text, mode) in missing_units(init, state) {
        run.act(Verb::Install, format!("{path}, which no package has installed"));
        run.write(path.as_ref(), text.as_bytes(), mode)?;
        unread = true;
    }
    if state.active && !unread && !leaves_pods_out(run) {
        run.log("kubelet already runs with this configuration");
        return Ok(Outcome::Done);
    }
    run.act(Verb::Start, "the kubelet");
    if !state.enabled
        && let Err(error) = init.enable(SERVICE)
    {
        run.warn(format!("kubelet will not start at boot: {error}"));
    }
    let since = SystemTime::now();
    let started = init.restart(SERVICE);
    run.kubelet_started = Some(since);
    started.map_err(|error| {
        let silent = Snapshot { kubelet: Some(error.to_string()), ..Snapshot::default() };
        let causes = Attention::new(run).causes(run, &silent);
        unhealthy(run, &format!("The kubelet is not running, since it can't be started: {error}"), causes)
    })?;
    run.changes.restarted.push(SERVICE);
    Ok(Outcome::Done)
}

/// Whether kubelet has made no sandbox for a static Pod of the control plane: one that it refused for want of room stays
/// refused until its manifest changes or kubelet starts anew. kubeadm's init restarts kubelet always.
fn leaves_pods_out(run: &mut Run) -> bool {
    let Ok(watched) = watched(&run.settings, &*run.host) else { return false };
    run.watch.begin(&watched).is_ok()
        && run.watch.snapshot().components.values().any(|state| state.stage == Stage::Manifest)
}

/// Unit and drop-in, as far as kubelet's service lacks them: kubelet's package brings the unit alone, and the drop-in,
/// by which kubelet finds its configuration, is in kubeadm's package. The unit comes last: once it exists, nothing is
/// missing. OpenRC has one script for both.
fn missing_units(init: &dyn InitSystem, state: ServiceState) -> Vec<(&'static str, &'static str, FileMode)> {
    let drop_in = (DROP_IN, kubelet::DROP_IN, FileMode::UNIT);
    if init.name() != "systemd" {
        let service = ("/etc/init.d/kubelet", kubelet::OPENRC_SERVICE, FileMode::SCRIPT);
        return if state.exists { vec![] } else { vec![service] };
    }
    if !state.exists {
        let unit = ("/etc/systemd/system/kubelet.service", kubelet::UNIT, FileMode::UNIT);
        return vec![drop_in, unit];
    }
    let lacks = init.unit(SERVICE).is_some_and(|unit| kubelet::lacks_drop_in(&unit));
    if lacks { vec![drop_in] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ServiceError;

    struct Init(&'static str, Option<String>);

    impl InitSystem for Init {
        fn name(&self) -> &'static str {
            self.0
        }
        fn state(&self, _: &str) -> ServiceState {
            ServiceState { exists: self.1.is_some(), ..ServiceState::default() }
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
        fn disable(&self, _: &str) -> Result<(), ServiceError> {
            Ok(())
        }
        fn unit(&self, _: &str) -> Option<String> {
            self.1.clone()
        }
        fn recent_log(&self, _: &str, _: SystemTime) -> Vec<String> {
            vec![]
        }
    }

    #[test]
    fn openrc_gets_a_service_that_can_be_run() {
        let missing = |script: Option<&str>| {
            let init = Init("OpenRC", script.map(str::to_owned));
            missing_units(&init, init.state(SERVICE))
        };
        assert!(missing(Some("#!/sbin/openrc-run")).is_empty());
        let [(path, text, mode)] = missing(None)[..] else { panic!("{:?}", missing(None)) };
        assert_eq!((path, mode.file), ("/etc/init.d/kubelet", 0o755));
        assert!(text.starts_with("#!/sbin/openrc-run\n"));
    }

    #[test]
    fn units_that_no_package_installed_are_installed() {
        let missing = |unit: Option<&str>| -> Vec<&str> {
            let init = Init("systemd", unit.map(str::to_owned));
            missing_units(&init, init.state(SERVICE)).into_iter().map(|(path, ..)| path).collect()
        };
        assert_eq!(missing(None), [DROP_IN, "/etc/systemd/system/kubelet.service"]);
        assert_eq!(missing(Some(kubelet::UNIT)), [DROP_IN]);
        assert_eq!(missing(Some(&[kubelet::UNIT, kubelet::DROP_IN].concat())), [""; 0]);
        let own = "\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet -v 2\n";
        assert_eq!(missing(Some(&[kubelet::UNIT, own].concat())), [""; 0]);
        // Units that someone else wrote are left alone.
        for others in [
            "ExecStart=/usr/bin/kubelet --config /etc/mine.yaml",
            "EnvironmentFile=-/etc/kubernetes/kubelet.env\nExecStart=/usr/bin/kubelet $KUBELET_ARGS",
            "EnvironmentFile=-/etc/kubernetes/kubelet.env\nExecStart=/usr/bin/kubelet",
            "Environment=\"KUBELET_ARGS=--v=2\"\nExecStart=/usr/bin/kubelet",
            "ExecStart=/opt/bin/kubelet",
            "ExecStart=/usr/bin/kubelet \\\n  $ARGS",
            "Type=notify",
        ] {
            assert_eq!(missing(Some(&format!("[Service]\n{others}\n"))), [""; 0], "{others}");
        }
    }
}
