//! Probes that ask where their component does not answer. kubelet logs of them only when it is told to be verbose, so
//! they are read in the manifest.

use std::net::IpAddr;

use super::diagnosis::{Diagnosis, last_words};
use super::evidence::Evidence;
use super::place::Place;
use super::rule::Proof;
use crate::finding::Finding;
use crate::health::{Stage, target};
use crate::node::{KILLING, StaticPod};
use crate::preflight::Machine;
use crate::yaml;

/// Those of components that were ended or will be, by what their manifests say. One that is being ended may take half a
/// minute for it.
pub(super) fn diagnose(evidence: &Evidence, place: &Place, machine: &dyn Machine) -> Vec<Diagnosis> {
    let came_up = evidence.components.iter().filter(|(_, c)| c.stage != Stage::Healthy && c.starts > 0);
    came_up
        .filter_map(|(component, state)| {
            let path = place.manifests.join(component.file());
            let pod = yaml::parse_values(&machine.text(&path)?).ok()?.into_iter().next()?;
            let pod = StaticPod::new(*component, pod);
            let (probe, port) = astray(&pod)?;
            // Another container of the Pod may answer, or another machine.
            let may_be_answered =
                || pod.is_accompanied() || asks_elsewhere(&pod, probe) || !machine.listeners_on(port).is_empty();
            if state.exit_code.is_none() && may_be_answered() {
                return None;
            }
            let name = component.name();
            let finding = Finding::error(format!("kubelet kills {name} again and again: its {probe} asks port {port}"))
                .evidence(format!("{}; {name} reports its health at {}", path.display(), target(&pod).base))
                .evidences(last_words(state, ""))
                .cause("a patch, or a flag that moves the component's port, changed one of the two and not the other")
                .fix(format!("correct the {probe} in the patch of {name} (or the flag), then run again"));
            let finding = Finding { check: "ProbeElsewhere".into(), ..finding };
            Some(Diagnosis { finding, proof: Proof::Proven, subject: Some(*component) })
        })
        .collect()
}

/// A probe of the component's container that asks another port than that at which it tells its health.
fn astray(pod: &StaticPod) -> Option<(&'static str, u16)> {
    let base = target(pod).base;
    let listens: u16 = base.rsplit(':').next()?.parse().ok()?;
    KILLING.into_iter().find_map(|probe| {
        let port = pod.http_probe(probe)?.port;
        (port != listens).then_some((probe, port))
    })
}

/// Whether the probe asks an address that need not be this machine's.
fn asks_elsewhere(pod: &StaticPod, probe: &str) -> bool {
    let base = target(pod).base;
    let host = pod.http_probe(probe).and_then(|probe| probe.host);
    let is_local = |host: &String| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) || base.contains(host)
    };
    host.is_some_and(|host| !is_local(&host))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::manifest::Component;

    #[test]
    fn probes_are_held_against_where_the_component_answers() {
        let pod = |port: Value, flag: &str| {
            json!({ "spec": { "containers": [{
                "name": "kube-apiserver",
                "command": ["kube-apiserver", "--advertise-address=192.0.2.10", flag],
                "ports": [{ "name": "probe-port", "containerPort": 6443 }],
                "startupProbe": { "httpGet": { "port": port, "path": "/livez" } },
            }] } })
        };
        let astray = |port, flag| astray(&StaticPod::new(Component::ApiServer, pod(port, flag)));
        assert_eq!(astray(json!(6443), "--v=1"), None);
        assert_eq!(astray(json!("probe-port"), "--secure-port=6443"), None);
        assert_eq!(astray(json!(7777), "--v=1"), Some(("startupProbe", 7777)));
        assert_eq!(astray(json!("probe-port"), "--secure-port=7443"), Some(("startupProbe", 6443)));
    }
}
