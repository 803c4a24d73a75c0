//! The identity of a cluster, which can't be changed once it has run: certificates, nodes, Services and tokens depend
//! on it.

use std::path::Path;

use serde_json::Value;

use crate::config::{KubernetesVersion, Settings};
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::manifest::{Component, PkiFacts, render};
use crate::node::StaticPod;
use crate::patches::{PatchSet, known_targets};
use crate::preflight::config::existing::{Existing, manifest, manifest_path};
use crate::yaml;

/// Something that a cluster is known by, as a flag of a component says it.
struct Mark {
    component: Component,
    flag: &'static str,
    /// What it is, and where the configuration says it.
    what: &'static str,
    /// What changing it would do.
    harm: &'static str,
    /// Whether a cluster that has the first can't come to have the second.
    clash: fn(&str, &str) -> bool,
}

const fn mark(component: Component, flag: &'static str, what: &'static str, harm: &'static str) -> Mark {
    Mark { component, flag, what, harm, clash: |old, new| old != new }
}

/// What begins every issuer that kubeadm makes of the DNS domain.
const ISSUER: &str = "https://kubernetes.default.svc.";

const MARKS: [Mark; 9] = [
    mark(
        Component::Etcd,
        "data-dir",
        "etcd's data directory (etcd.local.dataDir)",
        "etcd would begin with an empty directory, and everything in the cluster would be gone",
    ),
    mark(
        Component::Etcd,
        "name",
        "the node's name (nodeRegistration.name)",
        "kubelet's certificate, the Node and etcd's member are of the old name",
    ),
    Mark {
        clash: |old, new| !old.split(',').any(|o| new.split(',').any(|n| n == o)),
        ..mark(
            Component::ApiServer,
            "etcd-servers",
            "etcd (etcd.local, etcd.external.endpoints)",
            "the cluster's data are in the old one",
        )
    },
    mark(
        Component::ApiServer,
        "advertise-address",
        "the advertise address (localAPIEndpoint.advertiseAddress)",
        "certificates, kubeconfigs and nodes know the old one",
    ),
    mark(
        Component::ApiServer,
        "secure-port",
        "the API server's port (localAPIEndpoint.bindPort)",
        "kubeconfigs and nodes know the old one",
    ),
    mark(
        Component::ApiServer,
        "service-cluster-ip-range",
        "the subnet of Services (networking.serviceSubnet)",
        "Services have addresses of the old one, which they keep",
    ),
    Mark {
        clash: |old, new| old != new && old.starts_with(ISSUER) && new.starts_with(ISSUER),
        ..mark(
            Component::ApiServer,
            "service-account-issuer",
            "the DNS domain (networking.dnsDomain)",
            "Pods look for names of the old one, and their tokens are issued under it",
        )
    },
    // One that had none can get one: nodes get their shares from then on.
    mark(
        Component::ControllerManager,
        "cluster-cidr",
        "the subnet of Pods (networking.podSubnet)",
        "every Node has its share of the old one, which it keeps",
    ),
    mark(
        Component::ControllerManager,
        "cluster-name",
        "the cluster's name (clusterName)",
        "kubeconfigs, and what a cloud provider created, contain the old one",
    ),
];

/// Whether the configuration is for the cluster that lives on this machine.
pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    if !lives(settings, machine) {
        return vec![];
    }
    // What can't be read or rendered is told by others.
    let patches = settings
        .node
        .patches
        .as_deref()
        .map_or_else(|| Some(PatchSet::default()), |dir| patches(settings, dir));
    let Some(patches) = patches else { return vec![] };
    let mut findings = vec![];
    for component in Component::ALL {
        let Some(old) = existing(settings, machine, component) else { continue };
        let Some(new) = wanted(settings, machine, component, &patches) else { continue };
        let flag = |pod: &Value, name: &str| pod_flag(pod, component, name).filter(|v| !v.is_empty());
        for mark in MARKS.iter().filter(|m| m.component == component) {
            let Some(old) = flag(&old, mark.flag) else { continue };
            let new = flag(&new, mark.flag).unwrap_or_default();
            if (mark.clash)(&old, &new) {
                findings.push(other(mark.what, mark.harm, &old, &new));
            }
        }
        if component == Component::ApiServer {
            findings.extend(version(settings, &old));
        }
    }
    findings
}

/// Whether a control plane has lived here: etcd has data. An external etcd is not asked; there the manifest tells.
fn lives(settings: &Settings, machine: &dyn Machine) -> bool {
    let etcd = existing(settings, machine, Component::Etcd);
    let Some(etcd) = etcd else {
        return existing(settings, machine, Component::ApiServer)
            .and_then(|pod| pod_flag(&pod, Component::ApiServer, "etcd-servers"))
            .is_some_and(|servers| !servers.contains("//127.0.0.1:"));
    };
    let data = pod_flag(&etcd, Component::Etcd, "data-dir").unwrap_or_default();
    machine.kind(&Path::new(&data).join("member")).is_some()
}

/// The last value of a flag of a component.
fn pod_flag(pod: &Value, component: Component, name: &str) -> Option<String> {
    StaticPod::new(component, pod.clone()).flag(name)
}

fn existing(settings: &Settings, machine: &dyn Machine, component: Component) -> Option<Value> {
    if manifest(&settings.node, machine, component) != Existing::Ours {
        return None;
    }
    let text = machine.text(&manifest_path(&settings.node, component))?;
    yaml::parse_values(&text).ok()?.into_iter().next()
}

fn patches(settings: &Settings, dir: &Path) -> Option<PatchSet> {
    PatchSet::load(dir, &known_targets(settings.cluster.release)).ok()
}

fn wanted(
    settings: &Settings,
    machine: &dyn Machine,
    component: Component,
    patches: &PatchSet,
) -> Option<Value> {
    if component == Component::Etcd && settings.cluster.config.etcd.local.is_none() {
        return None;
    }
    let external_ca = machine.kind(&settings.node.paths.certificates.join("ca.key")).is_none();
    let pod = render(component, settings, PkiFacts { external_ca, ..PkiFacts::default() }).ok()?;
    let (pod, _) = patches.apply(component.name(), serde_json::to_value(pod).ok()?).ok()?;
    Some(pod)
}

fn other(what: &str, harm: &str, old: &str, new: &str) -> Finding {
    let new = if new.is_empty() { "none" } else { new };
    Finding::error(format!("the cluster on this machine has another {}", what.trim_start_matches("the ")))
        .evidence(format!("it has {old}, the configuration says {new}"))
        .cause(format!("{harm}; so init does not change it"))
        .fix(format!(
            "put {old} into the configuration; or, if nothing in the cluster is needed any more, `kubestrap reset` and init again"
        ))
}

/// Another patch release is only another image. Another minor is an upgrade, with an order of its own.
fn version(settings: &Settings, api_server: &Value) -> Option<Finding> {
    let image = api_server.pointer("/spec/containers/0/image")?.as_str()?;
    let old: KubernetesVersion = image.rsplit_once(':')?.1.parse().ok()?;
    let new = &settings.cluster.version;
    (old.minor() != new.minor()).then(|| {
        Finding::error(format!("the cluster on this machine is of another minor version, {old}"))
            .evidence(format!("{image}; the configuration says {new}"))
            .cause("from one minor to the next, components, their configurations and etcd change in an order that init does not keep to, and there is no way back")
            .fix(format!("`kubernetesVersion: {old}` in the configuration; for the other version, `kubestrap upgrade plan`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{FakeMachine, settings};

    /// A machine on which init with `config` has run, and etcd too if `lived`.
    fn after(config: &str, lived: bool) -> FakeMachine {
        let settings = settings(config);
        FakeMachine::with(|m| {
            m.file("/etc/kubernetes/pki/ca.crt", "x");
            let external = settings.cluster.config.etcd.external.is_some();
            for component in Component::ALL.into_iter().filter(|c| !external || *c != Component::Etcd) {
                if let Ok(pod) = render(component, &settings, PkiFacts::default()) {
                    m.file(
                        &manifest_path(&settings.node, component).to_string_lossy(),
                        yaml::to_string(&pod).unwrap(),
                    );
                }
            }
            if lived {
                m.dirs.insert("/var/lib/etcd/member".into(), vec![]);
            }
        })
    }

    const OTHERS: [(&str, &str); 8] = [
        ("networking: {serviceSubnet: 10.200.0.0/16}", "10.96.0.0/12"),
        ("networking: {podSubnet: 10.9.0.0/16}", "10.244.0.0/16"),
        ("networking: {podSubnet: 10.244.0.0/16, dnsDomain: other.local}", "cluster.local"),
        ("clusterName: other", "kubernetes"),
        ("etcd: {local: {dataDir: /srv/etcd}}", "/var/lib/etcd"),
        ("etcd: {external: {endpoints: ['https://192.0.2.9:2379']}}", "etcd"),
        ("kubernetesVersion: v1.35.1", "kubestrap upgrade plan"),
        ("controllerManager: {extraArgs: [{name: cluster-name, value: x}]}", "kubernetes"),
    ];

    #[test]
    fn identity_of_a_running_cluster_cannot_change() {
        let config = "networking: {podSubnet: 10.244.0.0/16}";
        for (other, told) in OTHERS {
            let findings = after(config, true).check("SameCluster", &settings(other));
            assert!(findings.iter().any(|f| format!("{f:?}").contains(told)), "{other}: {findings:?}");
            assert_eq!(after(config, false).check("SameCluster", &settings(other)), [], "{other}");
        }
        assert_eq!(after(config, true).check("SameCluster", &settings(config)), []);
    }

    #[test]
    fn additions_and_other_clusters_may_differ() {
        for may in [
            "networking: {podSubnet: 10.244.0.0/16}",
            "kubernetesVersion: v1.36.1",
            "imageRepository: registry.example.org",
            "apiServer: {extraArgs: [{name: service-account-issuer, value: 'https://issuer.example.org'}]}",
        ] {
            assert_eq!(after("", true).check("SameCluster", &settings(may)), [], "{may}");
        }
        let external = |hosts: &str| format!("etcd: {{external: {{endpoints: [{hosts}]}}}}");
        let (one, two) = (external("'https://a:2379'"), external("'https://b:2379', 'https://a:2379'"));
        assert_eq!(after(&one, true).check("SameCluster", &settings(&two)), []);
        let third = after(&one, true).check("SameCluster", &settings(&external("'https://c:2379'")));
        assert!(third[0].evidence[0].contains("https://a:2379"), "{third:?}");
    }
}
