//! Probes that ask where their component does not answer. kubelet logs of them only when it is told to be verbose, so
//! they are read in the manifest.

use std::net::IpAddr;

use super::diagnosis::{Diagnosis, last_words};
use super::evidence::Evidence;
use super::place::Place;
use super::rule::Proof;
use crate::finding::Finding;
use crate::health::{Stage, Target, target};
use crate::manifest::Component;
use crate::node::{HttpProbe, KILLING, StaticPod};
use crate::preflight::Machine;
use crate::yaml;

/// Those of components that were ended or are being ended, by what their manifests say. That may take half a minute, in
/// which nothing else tells.
pub(super) fn diagnose(evidence: &Evidence, place: &Place, machine: &dyn Machine) -> Vec<Diagnosis> {
    let came_up = evidence.components.iter().filter(|(_, c)| c.stage != Stage::Healthy && c.starts > 0);
    came_up
        .filter_map(|(component, state)| {
            let path = place.manifests.join(component.file());
            let pod = yaml::parse_values(&machine.text(&path)?).ok()?.into_iter().next()?;
            let pod = StaticPod::new(*component, pod);
            let target = target(&pod);
            let (probe, asked) = astray(&pod, &target)?;
            // kubelet begins with the liveness probe when the startup probe has succeeded.
            let counts = probe == "startupProbe" || pod.http_probe("startupProbe").is_none();
            if state.exit_code.is_none() && !(counts && state.age > asked.patience) {
                return None;
            }
            // Another container of the Pod may answer, another machine, or another program here.
            if pod.is_accompanied() || !is_local(&asked, &target) || !machine.listeners_on(asked.port).is_empty() {
                return None;
            }
            let (name, port) = (component.name(), asked.port);
            let finding = Finding::error(format!("kubelet kills {name} again and again: its {probe} asks port {port}"))
                .evidence(format!("{}; {name} reports its health at {}", path.display(), target.base))
                .evidences(last_words(state, ""))
                .cause("a patch, or a flag that moves the component's port, changed one of the two and not the other")
                .fix(format!("correct the {probe} in the patch of {name} (or the flag), then run again"));
            let finding = Finding { check: "ProbeElsewhere".into(), ..finding };
            Some(Diagnosis { finding, proof: Proof::Proven, subject: Some(*component) })
        })
        .collect()
}

/// A probe of the component's container that asks another port than those at which it tells its health.
fn astray(pod: &StaticPod, target: &Target) -> Option<(&'static str, HttpProbe)> {
    let port = |url: &str| url.trim_end_matches('/').rsplit(':').next()?.parse::<u16>().ok();
    let mut listens = vec![port(&target.base)?];
    if pod.component() == Component::Etcd {
        for flag in ["listen-metrics-urls", "listen-client-http-urls"] {
            listens.extend(pod.flag(flag).unwrap_or_default().split(',').filter_map(port));
        }
    }
    KILLING.into_iter().find_map(|name| {
        let probe = pod.http_probe(name)?;
        (!listens.contains(&probe.port)).then_some((name, probe))
    })
}

/// Whether the probe asks this machine: the Pod's own address, a loopback address, or the component's.
fn is_local(probe: &HttpProbe, target: &Target) -> bool {
    let Some(host) = &probe.host else { return true };
    host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || target.host_and_port().is_some_and(|(own, _)| own == host)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::diagnose::evidence::ComponentEvidence;
    use crate::preflight::fake::{FakeMachine, settings};

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
        let astray = |port, flag| {
            let pod = StaticPod::new(Component::ApiServer, pod(port, flag));
            let (name, probe) = astray(&pod, &target(&pod))?;
            Some((name, probe.port))
        };
        assert_eq!(astray(json!(6443), "--v=1"), None);
        assert_eq!(astray(json!("probe-port"), "--secure-port=6443"), None);
        assert_eq!(astray(json!(7777), "--v=1"), Some(("startupProbe", 7777)));
        assert_eq!(astray(json!("probe-port"), "--secure-port=7443"), Some(("startupProbe", 6443)));
    }

    #[test]
    fn probe_is_proven_astray_when_kubelet_has_lost_patience_and_nobody_answers() {
        let found = |host: &str, metrics: &str, age, more: Value| {
            let mut containers = vec![json!({
                "name": "etcd",
                "command": ["etcd", format!("--listen-metrics-urls={metrics}")],
                "startupProbe": { "httpGet": { "host": host, "port": 2391, "path": "/readyz" }, "periodSeconds": 2 },
            })];
            containers.extend(more.as_array().cloned().unwrap_or_default());
            let mut machine = FakeMachine::healthy();
            let pod = json!({ "spec": { "containers": containers } }).to_string();
            machine.file("/etc/kubernetes/manifests/etcd.yaml", &pod);
            let state =
                ComponentEvidence { stage: Stage::Running, starts: 1, age, ..ComponentEvidence::default() };
            let evidence = Evidence { components: [(Component::Etcd, state)].into(), ..Evidence::default() };
            diagnose(&evidence, &Place::of(&settings("")), &machine).len()
        };
        let usual = "http://127.0.0.1:2381";
        assert_eq!(found("127.0.0.1", usual, 7, json!([])), 1);
        assert_eq!(found("127.0.0.1", usual, 6, json!([])), 0, "it may still come");
        let both = "http://127.0.0.1:2381,http://127.0.0.1:2391";
        assert_eq!(found("127.0.0.1", both, 600, json!([])), 0, "etcd will listen there");
        assert_eq!(found("192.0.2.1", usual, 600, json!([])), 0, "another machine answers");
        assert_eq!(found("127.0.0.1", usual, 600, json!([{ "name": "proxy" }])), 0, "the proxy answers");
    }
}
