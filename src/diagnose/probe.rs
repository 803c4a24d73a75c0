//! Probes that ask where their component does not answer. kubelet logs of them only when it is told to be verbose, so
//! they are read in the manifest.

use serde_json::Value;

use super::diagnosis::{Diagnosis, last_words};
use super::evidence::Evidence;
use super::place::Place;
use super::rule::Proof;
use crate::finding::Finding;
use crate::health::{Stage, target};
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::preflight::Machine;
use crate::yaml;

/// The probes for which kubelet kills a container.
const KILLING: [&str; 2] = ["startupProbe", "livenessProbe"];

/// Those of components that were ended, by what their manifests say.
pub(super) fn diagnose(evidence: &Evidence, place: &Place, machine: &dyn Machine) -> Vec<Diagnosis> {
    let ended =
        evidence.components.iter().filter(|(_, c)| c.stage != Stage::Healthy && c.exit_code.is_some());
    ended
        .filter_map(|(component, state)| {
            let path = place.manifests.join(component.file());
            let pod = yaml::parse_values(&machine.text(&path)?).ok()?.into_iter().next()?;
            let (probe, port) = astray(*component, &pod)?;
            let name = component.name();
            let finding = Finding::error(format!("kubelet kills {name} again and again: its {probe} asks port {port}"))
                .evidence(format!("{}; {name} tells its health at {}", path.display(), target(&StaticPod::new(*component, pod.clone())).base))
                .evidences(last_words(state, ""))
                .cause("a patch, or a flag that moves the component's port, changed one of the two and not the other")
                .fix(format!("correct the {probe} in the patch of {name} (or the flag), then run again"));
            let finding = Finding { check: "ProbeElsewhere".into(), ..finding };
            Some(Diagnosis { finding, proof: Proof::Proven, subject: Some(*component) })
        })
        .collect()
}

/// A probe of the component's container that asks another port than that at which it tells its health.
fn astray(component: Component, pod: &Value) -> Option<(&'static str, i64)> {
    let base = target(&StaticPod::new(component, pod.clone())).base;
    let listens: i64 = base.rsplit(':').next()?.parse().ok()?;
    let containers = pod.pointer("/spec/containers")?.as_array()?;
    let container =
        containers.iter().find(|c| c.get("name").and_then(Value::as_str) == Some(component.name()))?;
    let ports = container.get("ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let number = |port: &Value| match port.as_str() {
        None => port.as_i64(),
        Some(name) => {
            let named = ports.iter().find(|p| p.get("name").and_then(Value::as_str) == Some(name));
            named.and_then(|p| p.get("containerPort")?.as_i64()).or_else(|| name.parse().ok())
        }
    };
    KILLING.into_iter().find_map(|probe| {
        let port = number(container.get(probe)?.pointer("/httpGet/port")?)?;
        (port != listens).then_some((probe, port))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let astray = |port, flag| astray(Component::ApiServer, &pod(port, flag));
        assert_eq!(astray(json!(6443), "--v=1"), None);
        assert_eq!(astray(json!("probe-port"), "--secure-port=6443"), None);
        assert_eq!(astray(json!(7777), "--v=1"), Some(("startupProbe", 7777)));
        assert_eq!(astray(json!("probe-port"), "--secure-port=7443"), Some(("startupProbe", 6443)));
    }
}
