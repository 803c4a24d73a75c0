//! Upgrades by kubeadm that failed or lost something, as their users published them: `upgrade plan` sees each ahead.

use std::fs;

use serde_json::json;

use super::upgrade::{NEW, Site, node, pod, site};

/// Repository and number of the issue, how the cluster and its machine were, what is told, and whether it refuses the
/// upgrade.
type Failure = (&'static str, fn(&Site), &'static [&'static str], bool);

const FAILURES: &[Failure] = &[
    (
        "kubernetes/kubernetes#100988",
        |site| {
            let gate = "apiServer: {extraArgs: [{name: feature-gates, value: HonorPVReclaimPolicy=true}]}";
            site.stored(|text| text.replace("apiServer: {}", gate));
        },
        &["HonorPVReclaimPolicy"],
        true,
    ),
    (
        "kubernetes/kubeadm#3193",
        |site| site.stored(|text| format!("{text}featureGates: {{ControlPlaneKubeletLocalMode: false}}\n")),
        &["ControlPlaneKubeletLocalMode", "set to false"],
        true,
    ),
    (
        "kubernetes/kubeadm#3218",
        |site| {
            site.api.change("Node", "cp-1", |node| {
                node["status"]["conditions"][0] =
                    json!({ "type": "Ready", "status": "False", "message": "container runtime is down" });
            });
        },
        &["cp-1 is not ready", "container runtime is down"],
        true,
    ),
    (
        "kubernetes/kubeadm#3050",
        |site| site.api.change("Node", "cp-1", |node| node["spec"] = json!({ "unschedulable": true })),
        &["no node is schedulable", "uncordon"],
        false,
    ),
    (
        "kubernetes/kubeadm#539",
        |site| {
            let mut offline = node("offline", false);
            offline["status"]["conditions"][0]["status"] = "Unknown".into();
            site.api.put(offline);
        },
        &["node offline is not ready"],
        false,
    ),
    (
        "kubernetes/kubernetes#65580",
        |site| site.api.put(pod("etcd", "cp-1", "3.5.24-0")),
        &["an older etcd can't read them"],
        false,
    ),
    (
        "kubernetes-sigs/kubespray#7627",
        |site| {
            site.api.change("Deployment", "coredns", |coredns| {
                let containers = coredns["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
                containers.insert(0, json!({ "name": "kube-rbac-proxy", "image": "example.org/proxy:1" }));
            });
        },
        &["coredns differs from what the cluster's version installs", "kube-rbac-proxy"],
        false,
    ),
    (
        "kubernetes/kubeadm#2157",
        |site| {
            let file = site.machine.file("/etc/kubernetes/manifests/kube-apiserver.yaml");
            let text = fs::read_to_string(&file).unwrap();
            let flag = "    - --allow-privileged=true\n";
            assert!(text.contains(flag), "{text}");
            let edited = text.replace(flag, &format!("{flag}    - --audit-log-path=/var/log/audit.log\n"));
            fs::write(&file, edited).unwrap();
        },
        &[
            "drops what /etc/kubernetes/manifests/kube-apiserver.yaml has",
            "--audit-log-path=/var/log/audit.log",
        ],
        false,
    ),
    (
        "kubernetes/kubeadm#2830",
        |site| {
            site.api.change("ConfigMap", "coredns", |map| {
                let corefile = map["data"]["Corefile"].as_str().unwrap();
                map["data"]["Corefile"] =
                    format!("{corefile}grpc://.:53 {{\n    grpc . 10.0.0.1\n}}\n").into();
            });
        },
        &["the Corefile was customized"],
        false,
    ),
    (
        "christensenjairus/ClusterCreator#54",
        |site| {
            site.api.remove("ConfigMap", "kube-proxy");
            site.api.remove("DaemonSet", "kube-proxy");
        },
        &["kube-proxy is not installed", "--skip-phases addon/kube-proxy"],
        false,
    ),
];

#[test]
fn published_failures_are_seen_ahead_by_a_plan() {
    let Some(healthy) = site() else { return };
    let plan = format!("plan {NEW}");
    let told = healthy.told(&plan, 0);
    for (issue, change, says, refuses) in FAILURES {
        let Some(site) = site() else { return };
        change(&site);
        let seen = site.told(&plan, if *refuses { 3 } else { 0 });
        for words in *says {
            assert!(seen.contains(words), "{issue}: {words:?} is not told: {seen}");
            assert!(!told.contains(words), "{issue}: {words:?} is told of a healthy cluster too");
        }
    }
}
