//! Causes that no words tell: what should have happened, and has not.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diagnosis::{Diagnosis, last_words};
use super::evidence::Evidence;
use super::place::Place;
use super::rule::Proof;
use crate::finding::Finding;
use crate::health::Stage;
use crate::manifest::Component;
use crate::preflight::Machine;
use crate::yaml;

/// What the states show, beyond what `found` explains.
pub(super) fn diagnose(
    evidence: &Evidence,
    place: &Place,
    machine: Option<&dyn Machine>,
    found: &[Diagnosis],
) -> Vec<Diagnosis> {
    let explained = |subject| found.iter().any(|d| d.subject == subject && d.proof > Proof::Possible);
    let mut states = vec![];
    if !explained(None) {
        states.extend(unhealthy_kubelet(evidence));
    }
    if found.iter().all(|d| d.proof == Proof::Possible) {
        states.extend(idle_kubelet(evidence, place, machine));
    }
    for component in Component::ALL {
        if !explained(Some(component)) {
            states.extend(crashes(evidence, component));
        }
    }
    if found.is_empty() && states.is_empty() {
        states.extend(unfinished(evidence));
    }
    states
}

/// Nothing is known to be wrong: it is merely not there yet.
fn unfinished(evidence: &Evidence) -> Option<Diagnosis> {
    let pending = evidence.components.iter().filter(|(_, c)| c.stage != Stage::Healthy);
    let pending: Vec<String> =
        pending.map(|(c, state)| format!("{}: {}", c.name(), state.stage.words())).collect();
    (!pending.is_empty()).then(|| {
        let finding = Finding::error("the control plane was still starting when time was up, and nothing shows that it can't start")
            .evidences(pending)
            .cause("this machine is slow, or the time-out is short")
            .fix("run again: it goes on from here; or give it longer with timeouts.controlPlaneComponentHealthCheck (4m by default)");
        of("StillStarting", finding, Proof::Possible, None)
    })
}

/// kubelet does not run, or ends again and again.
fn unhealthy_kubelet(evidence: &Evidence) -> Option<Diagnosis> {
    let kubelet = &evidence.kubelet;
    let why = kubelet.health.as_ref()?;
    let last: Vec<String> = kubelet.log.iter().rev().take(8).rev().cloned().collect();
    // systemd's words; a service that it will start again counts as active.
    let newest = |words: &str| kubelet.log.iter().rposition(|l| l.contains(words));
    let ended = newest(": Main process exited, code=");
    let is_down = ended.is_some() && ended > newest("kubelet.service: Started").or(newest(": Started "));
    let (check, what) = match kubelet.active {
        Some(false) => ("KubeletStopped", "kubelet does not run"),
        _ if is_down => ("KubeletEnds", "kubelet exits as soon as it is started"),
        _ => {
            let finding = Finding::error(format!("kubelet was not healthy yet when time was up: {why}"))
                .evidences(last)
                .cause("it is still starting, on a slow machine or with a short time-out, or something holds it up that its log does not show")
                .fix("`systemctl status kubelet` and `journalctl -xeu kubelet` tell more; run again, and it goes on from here; or give it longer with timeouts.kubeletHealthCheck and timeouts.controlPlaneComponentHealthCheck (4m by default)");
            return Some(of("KubeletSilent", finding, Proof::Possible, None));
        }
    };
    let finding = Finding::error(what)
        .evidences(last)
        .cause("it was stopped, could not start, or exited; its log shows no known cause")
        .fix("`systemctl start kubelet`; if it does not stay, `systemctl status kubelet` and `journalctl -xeu kubelet` tell more; fix it, then run again");
    Some(of(check, finding, Proof::Persisting, None))
}

/// kubelet is healthy and starts nothing: it does not look where the manifests are.
fn idle_kubelet(evidence: &Evidence, place: &Place, machine: Option<&dyn Machine>) -> Option<Diagnosis> {
    let components = &evidence.components;
    if evidence.kubelet.health.is_some()
        || components.is_empty()
        || components.values().any(|c| c.stage != Stage::Manifest)
    {
        return None;
    }
    let manifests = place.manifests.display();
    let configuration = place.kubelet.join("config.yaml").display().to_string();
    let finding = Finding::error(format!("kubelet runs, but starts none of the static Pods in {manifests}"));
    let processes = machine.map(|m| m.processes()).unwrap_or_default();
    let kubelet = processes.iter().find(|p| p.is("kubelet"));
    let flag = |name| kubelet.and_then(|k| k.flag(name)).map(str::to_owned);
    let finding = match (flag("pod-manifest-path"), flag("config"), flag("config-dir")) {
        (Some(path), _, _) => finding
            .evidence(format!("kubelet runs with --pod-manifest-path={path}"))
            .cause(format!("that flag makes it look for static Pods in {path}: it wins over staticPodPath in {configuration}"))
            .fix("take --pod-manifest-path out of kubelet's flags (`systemctl cat kubelet`, /etc/default/kubelet, kubeletExtraArgs), then run again"),
        (None, Some(path), _) if path != configuration => finding
            .evidence(format!("kubelet runs with --config={path}"))
            .cause(format!("kubelet reads {path}, not {configuration}, which init writes"))
            .fix(format!("set --config={configuration} in the unit or its drop-ins (`systemctl cat kubelet`), then `systemctl daemon-reload` and run again")),
        (None, None, _) if kubelet.is_some() => finding
            .evidence("kubelet runs without --config")
            .cause(format!("its unit lacks the drop-in 10-kubeadm.conf, so it does not read {configuration}"))
            .fix("`systemctl cat kubelet` shows what is there; reinstall the package, or put the drop-in back, then run again"),
        (_, _, dir) => finding
            .evidences(dir.map(|dir| format!("kubelet runs with --config-dir={dir}")))
            .cause(format!("staticPodPath in {configuration} is another directory (a KubeletConfiguration or patch says so), a file of --config-dir overrides it, or kubelet can't read {manifests}"))
            .fix(format!("`grep staticPodPath {configuration}` shows it; set it to {manifests}, then run again")),
    };
    // On a slow machine, a kubelet that looks in the right place may only not have come to it yet.
    let stated = machine
        .and_then(|m| parsed(m, configuration.as_ref()))
        .and_then(|v| v.get("staticPodPath")?.as_str().map(PathBuf::from));
    let right = finding.evidence.is_empty() && stated.as_ref() == Some(&place.manifests);
    Some(of("KubeletIdle", finding, if right { Proof::Possible } else { Proof::Persisting }, None))
}

/// The Node is not there, though kubelet and the API server are healthy: kubelet is told not to register it, or under
/// another name.
pub(super) fn absent_node(place: &Place, machine: &dyn Machine) -> Option<Diagnosis> {
    let configuration = place.kubelet.join("config.yaml");
    let path = configuration.display();
    let processes = machine.processes();
    let kubelet = processes.iter().find(|p| p.is("kubelet"))?;
    let configured =
        parsed(machine, &configuration).and_then(|v| v.get("registerNode").and_then(Value::as_bool));
    let (evidence, fix) = match (kubelet.flag("register-node"), configured) {
        (Some("false"), _) => (
            "kubelet runs with --register-node=false".to_owned(),
            "take --register-node out of kubelet's flags (kubeletExtraArgs, /etc/default/kubelet, `systemctl cat kubelet`), then run again",
        ),
        (None, Some(false)) => (
            format!("{path} has registerNode: false"),
            "take `registerNode: false` out of the KubeletConfiguration, then run again",
        ),
        _ => return None,
    };
    let finding = Finding::error("kubelet is told not to register this node")
        .evidence(evidence)
        .cause("a control plane needs its Node: mirror Pods, labels and taints belong to it")
        .fix(fix);
    Some(of("NodeNotRegistered", finding, Proof::Proven, None))
}

/// kubelet's configuration at `path`, as far as it can be read.
fn parsed(machine: &dyn Machine, path: &Path) -> Option<Value> {
    yaml::parse_values(&machine.text(path)?).ok()?.into_iter().next()
}

/// A component that ends again and again, while what it needs is there.
fn crashes(evidence: &Evidence, component: Component) -> Option<Diagnosis> {
    let state = evidence.components.get(&component).filter(|c| c.stage != Stage::Healthy)?;
    let code = state.exit_code?;
    if state.starts < 2 || !evidence.needs_are_up(component) || evidence.is_tried_again(component) {
        return None;
    }
    let finding = Finding::error(format!(
        "{} exits again and again, with code {code} ({} starts so far)",
        component.name(),
        state.starts
    ))
    .evidences(last_words(state, ""))
    .cause("its last log lines are all that is known")
    .fix("fix what they name, then run again");
    Some(of("ComponentCrashes", finding, Proof::Persisting, Some(component)))
}

fn of(check: &str, finding: Finding, proof: Proof, subject: Option<Component>) -> Diagnosis {
    Diagnosis { finding: Finding { check: check.to_owned(), ..finding }, proof, subject }
}
