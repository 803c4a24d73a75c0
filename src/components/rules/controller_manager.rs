//! kube-controller-manager's rules. Source: `Validate` in `cmd/kube-controller-manager/app/options`,
//! `controller-manager/options`, and the names of controllers in `cmd/kube-controller-manager/names`.

use super::super::program::Program::ControllerManager;
use super::super::rule::{Judge, NO_LIMIT, Range, numeric, range, unknown_word};
use crate::config::names;

pub(in crate::components) const RANGES: &[Range] = &[
    range(ControllerManager, "concurrent-cron-job-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-daemonset-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-device-taint-eviction-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-ephemeralvolume-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-horizontal-pod-autoscaler-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-job-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-resourceclaim-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-statefulset-syncs", 1.0, NO_LIMIT),
    range(ControllerManager, "concurrent-service-endpoint-syncs", 1.0, 50.0),
    range(ControllerManager, "max-endpoints-per-slice", 1.0, 1000.0),
    range(ControllerManager, "mirroring-concurrent-service-endpoint-syncs", 1.0, 50.0),
    range(ControllerManager, "mirroring-max-endpoints-per-subset", 1.0, 1000.0),
    range(ControllerManager, "attach-detach-reconcile-sync-period", 1.0, NO_LIMIT),
];

/// Controllers, each with its old name.
const CONTROLLERS: &[(&str, &str)] = &[
    ("bootstrap-signer-controller", "bootstrapsigner"),
    ("certificatesigningrequest-approving-controller", "csrapproving"),
    ("certificatesigningrequest-cleaner-controller", "csrcleaner"),
    ("certificatesigningrequest-signing-controller", "csrsigning"),
    ("cloud-node-lifecycle-controller", "cloud-node-lifecycle"),
    ("clusterrole-aggregation-controller", "clusterrole-aggregation"),
    ("cronjob-controller", "cronjob"),
    ("daemonset-controller", "daemonset"),
    ("deployment-controller", "deployment"),
    ("device-taint-eviction-controller", ""),
    ("disruption-controller", "disruption"),
    ("endpoints-controller", "endpoint"),
    ("endpointslice-controller", "endpointslice"),
    ("endpointslice-mirroring-controller", "endpointslicemirroring"),
    ("ephemeral-volume-controller", "ephemeral-volume"),
    ("garbage-collector-controller", "garbagecollector"),
    ("horizontal-pod-autoscaler-controller", "horizontalpodautoscaling"),
    ("job-controller", "job"),
    ("kube-apiserver-serving-clustertrustbundle-publisher-controller", ""),
    ("legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner"),
    ("namespace-controller", "namespace"),
    ("node-ipam-controller", "nodeipam"),
    ("node-lifecycle-controller", "nodelifecycle"),
    ("node-route-controller", "route"),
    ("persistentvolume-attach-detach-controller", "attachdetach"),
    ("persistentvolume-binder-controller", "persistentvolume-binder"),
    ("persistentvolume-expander-controller", "persistentvolume-expander"),
    ("persistentvolume-protection-controller", "pv-protection"),
    ("persistentvolumeclaim-protection-controller", "pvc-protection"),
    ("pod-garbage-collector-controller", "podgc"),
    ("podcertificaterequest-cleaner-controller", ""),
    ("podgroup-protection-controller", ""),
    ("replicaset-controller", "replicaset"),
    ("replicationcontroller-controller", "replicationcontroller"),
    ("resourceclaim-controller", "resource-claim-controller"),
    ("resourcepoolstatusrequest-controller", ""),
    ("resourcequota-controller", "resourcequota"),
    ("root-ca-certificate-publisher-controller", "root-ca-cert-publisher"),
    ("selinux-warning-controller", ""),
    ("service-ca-certificate-publisher-controller", "service-ca-cert-publisher"),
    ("service-cidr-controller", ""),
    ("service-lb-controller", "service"),
    ("serviceaccount-controller", "serviceaccount"),
    ("serviceaccount-token-controller", "serviceaccount-token"),
    ("statefulset-controller", "statefulset"),
    ("storage-version-migrator-controller", "svm"),
    ("storageversion-garbage-collector-controller", "storage-version-gc"),
    ("taint-eviction-controller", ""),
    ("token-cleaner-controller", "tokencleaner"),
    ("ttl-after-finished-controller", "ttl-after-finished"),
    ("ttl-controller", "ttl"),
    ("validatingadmissionpolicy-status-controller", ""),
    ("volumeattributesclass-protection-controller", ""),
];

/// Controllers that not all minors have, with the first that does.
const SINCE: &[(&str, u64)] = &[
    ("podcertificaterequest-cleaner-controller", 34),
    ("podgroup-protection-controller", 36),
    ("resourcepoolstatusrequest-controller", 36),
];

pub(in crate::components) fn rules(judge: &mut Judge<'_>) {
    controllers(judge);
    signing(judge);
    shares(judge);
    let command = judge.command;
    if let Some(given) =
        command.last("cloud-provider").filter(|given| !["", "external"].contains(&given.value.as_str()))
    {
        let why = format!(
            "{:?}: in-tree cloud providers are gone; use `external` with the provider's cloud-controller-manager",
            given.value
        );
        judge.refuse("cloud-provider", given, why);
    }
    if let Some(given) = command
        .last("cidr-allocator-type")
        .filter(|given| !["", "RangeAllocator"].contains(&given.value.as_str()))
    {
        judge.refuse("cloud-provider", given, "only RangeAllocator is built in");
    }
    if let Some(given) =
        command.last("service-cluster-ip-range").filter(|given| given.value.split(',').count() > 2)
    {
        judge.refuse("flag-value", given, "must not have more than two CIDRs");
    }
}

fn controllers(judge: &mut Judge<'_>) {
    let command = judge.command;
    let known: Vec<&str> =
        CONTROLLERS.iter().flat_map(|(name, old)| [*name, *old]).filter(|name| !name.is_empty()).collect();
    for (item, given) in command.items("controllers") {
        let name = item.strip_prefix('-').unwrap_or(item);
        if let Some((_, since)) = SINCE.iter().find(|(new, since)| *new == name && *since > command.minor) {
            judge.refuse(
                "controller",
                given,
                format!("there is no controller {name}: it came with 1.{since}"),
            );
        }
        if item != "*" && !known.contains(&name) {
            let why = format!("controller {}", unknown_word(name, &known));
            // 1.37 may have controllers that are not in the table.
            if command.minor <= 36 {
                judge.refuse("controller", given, why);
            } else {
                judge.doubt("controller", given, why);
            }
        }
    }
}

/// The share of the Pods' subnet that each node gets (`setNodeCIDRMaskSizes` in `cmd/kube-controller-manager/app/core.go`):
/// judged by a controller that all others end with.
fn shares(judge: &mut Judge<'_>) {
    let command = judge.command;
    if !command.is_true("allocate-node-cidrs") {
        return;
    }
    let given = |flag: &str| command.last(flag).filter(|given| numeric(&given.value) != Some(0.0));
    let (both, v4, v6) =
        (given("node-cidr-mask-size"), given("node-cidr-mask-size-ipv4"), given("node-cidr-mask-size-ipv6"));
    let subnets: Vec<_> =
        command.items("cluster-cidr").filter_map(|(subnet, _)| names::cidr(subnet.trim())).collect();
    let ipv6 = |of: bool| subnets.iter().all(|subnet| subnet.addr().is_ipv6() == of);
    let (given, why) = match (subnets.len(), both, v4, v6) {
        (0, ..) => return,
        (2.., Some(both), ..) => (
            both,
            "is not allowed in a dual-stack cluster: set `node-cidr-mask-size-ipv4` and `node-cidr-mask-size-ipv6`",
        ),
        (1, Some(both), v4, v6) if v4.or(v6).is_some() => {
            (both, "excludes `--node-cidr-mask-size-ipv4` and `--node-cidr-mask-size-ipv6`")
        }
        (1, _, Some(v4), _) if ipv6(true) => (v4, "is not allowed where all Pods have IPv6 addresses"),
        (1, _, _, Some(v6)) if ipv6(false) => (v6, "is not allowed where all Pods have IPv4 addresses"),
        _ => return,
    };
    judge.refuse("flag-pair", given, why);
}

fn signing(judge: &mut Judge<'_>) {
    let command = judge.command;
    let one = command.has("cluster-signing-cert-file") || command.has("cluster-signing-key-file");
    for signer in ["kubelet-serving", "kubelet-client", "kube-apiserver-client", "legacy-unknown"] {
        let (cert, key) =
            (format!("cluster-signing-{signer}-cert-file"), format!("cluster-signing-{signer}-key-file"));
        for (flag, other) in [(&cert, &key), (&key, &cert)] {
            if command.has(flag) && !command.has(other) {
                judge.exclude("flag-pair", flag, format!("needs `--{other}`"));
            } else if command.has(flag) && one {
                judge.exclude("flag-pair", flag, "excludes `--cluster-signing-cert-file` and `--cluster-signing-key-file`: set these to an empty value");
            }
        }
    }
}
