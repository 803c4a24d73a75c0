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
        states.extend(kubelet(evidence, place));
    }
    for component in Component::ALL {
        if !explained(Some(component)) {
            states.extend(crashes(evidence, component));
        }
    }
    states
}

/// kubelet does not run, or does not look where the manifests are.
fn kubelet(evidence: &Evidence, place: &Place) -> Option<Diagnosis> {
    let kubelet = &evidence.kubelet;
    let last: Vec<String> = kubelet.log.iter().rev().take(8).rev().cloned().collect();
    if let Some(why) = &kubelet.health {
        let (check, what) = match kubelet.active {
            Some(false) => ("KubeletStopped", "kubelet does not run".to_owned()),
            _ => ("KubeletSilent", format!("kubelet does not become healthy: {why}")),
        };
        let finding = Finding::error(what)
            .evidences(last)
            .cause("it was stopped, could not start, or ended; its log tells nothing that is known")
            .fix(
                "`systemctl status kubelet` and `journalctl -xeu kubelet` tell more; mend it, then run again",
            );
        let proof = if kubelet.active == Some(false) { Proof::Persisting } else { Proof::Possible };
        return Some(of(check, finding, proof, None));
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
