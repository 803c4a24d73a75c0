//! Causes that no words tell: what should have happened, and has not.

use super::diagnosis::{Diagnosis, last_words};
use super::evidence::Evidence;
use super::place::Place;
use super::rule::Proof;
use crate::finding::Finding;
use crate::health::Stage;
use crate::manifest::Component;

/// What the states show, beyond what `found` explains.
pub(super) fn diagnose(evidence: &Evidence, place: &Place, found: &[Diagnosis]) -> Vec<Diagnosis> {
    let explained = |subject| found.iter().any(|d| d.subject == subject && d.proof > Proof::Possible);
    let mut states = vec![];
    if !explained(None) {
        states.extend(kubelet(evidence));
    }
    if found.iter().all(|d| d.proof == Proof::Possible) {
        states.extend(idle(evidence, place));
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
        let finding = Finding::error("the control plane was still starting when time was up, and nothing shows that it can't")
            .evidences(pending)
            .cause("this machine is slow, or the time-out is short")
            .fix("run again: it goes on from here; or give it longer with timeouts.controlPlaneComponentHealthCheck (4m where nobody says otherwise)");
        of("StillStarting", finding, Proof::Possible, None)
    })
}

/// kubelet does not run, or ends again and again.
fn kubelet(evidence: &Evidence) -> Option<Diagnosis> {
    let kubelet = &evidence.kubelet;
    let why = kubelet.health.as_ref()?;
    let last: Vec<String> = kubelet.log.iter().rev().take(8).rev().cloned().collect();
    // systemd's words; a service that it will start again counts as active.
    let newest = |words: &str| kubelet.log.iter().rposition(|l| l.contains(words));
    let ended = newest(": Main process exited, code=");
    let is_down = ended.is_some() && ended > newest("kubelet.service: Started").or(newest(": Started "));
    let (check, what, proof) = match kubelet.active {
        Some(false) => ("KubeletStopped", "kubelet does not run".to_owned(), Proof::Persisting),
        _ if is_down => {
            ("KubeletEnds", "kubelet ends as soon as it is started".to_owned(), Proof::Persisting)
        }
        _ => ("KubeletSilent", format!("kubelet does not become healthy: {why}"), Proof::Possible),
    };
    let finding = Finding::error(what)
        .evidences(last)
        .cause("it was stopped, could not start, or ended; its log tells nothing that is known")
        .fix("`systemctl start kubelet`; if it does not stay, `systemctl status kubelet` and `journalctl -xeu kubelet` tell more; mend it, then run again");
    Some(of(check, finding, proof, None))
}

/// kubelet runs, and does not look where the manifests are.
fn idle(evidence: &Evidence, place: &Place) -> Option<Diagnosis> {
    if evidence.kubelet.health.is_some() {
        return None;
    }
    let idle =
        !evidence.components.is_empty() && evidence.components.values().all(|c| c.stage == Stage::Manifest);
    idle.then(|| {
        let manifests = place.manifests.display();
        let finding = Finding::error(format!("kubelet runs, but starts nothing of what lies in {manifests}"))
            .cause(format!("its staticPodPath is another folder, a flag or a file in its --config-dir overrides {}/config.yaml, or it can't read {manifests}", place.kubelet.display()))
            .fix("`systemctl cat kubelet` and `ps -C kubelet -o args` show what it was started with; let it read that configuration, then run again");
        of("KubeletIdle", finding, Proof::Persisting, None)
    })
}

/// A component that ends again and again, while what it needs is there.
fn crashes(evidence: &Evidence, component: Component) -> Option<Diagnosis> {
    let state = evidence.components.get(&component).filter(|c| c.stage != Stage::Healthy)?;
    let code = state.exit_code?;
    if state.starts < 2 || !evidence.needs_are_up(component) {
        return None;
    }
    let finding = Finding::error(format!(
        "{} ends again and again, with exit code {code} ({} starts so far)",
        component.name(),
        state.starts
    ))
    .evidences(last_words(state, ""))
    .cause("its last words are the best that is known")
    .fix("mend what they name, then run again");
    Some(of("ComponentCrashes", finding, Proof::Persisting, Some(component)))
}

fn of(check: &str, finding: Finding, proof: Proof, subject: Option<Component>) -> Diagnosis {
    Diagnosis { finding: Finding { check: check.to_owned(), ..finding }, proof, subject }
}
