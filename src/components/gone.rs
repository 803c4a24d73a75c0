//! Flags that components once had: since when they are gone, and what took their place.
//!
//! Source of the minors: the flag is in the component's source of the minor before and not in this one's (1.25 to 1.36);
//! what was gone before 1.25 is by the changelogs of those minors.

use std::fmt;

use super::program::Program;
use super::program::Program::{ApiServer, ControllerManager, Etcd, Kubelet, Scheduler};

/// A flag that is gone.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) program: Program,
    pub(super) name: &'static str,
    /// The first version without it.
    since: &'static str,
    /// What takes its place.
    instead: &'static str,
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it was removed in {}", self.since)?;
        if self.instead.is_empty() { Ok(()) } else { write!(f, "; {}", self.instead) }
    }
}

const fn gone(program: Program, name: &'static str, since: &'static str, instead: &'static str) -> Gone {
    Gone { program, name, since, instead }
}

const NO_INSECURE: &str =
    "there is no port without TLS any more, `secure-port` and `bind-address` set the other";
const CLOUD: &str = "in-tree cloud providers are gone: run the provider's cloud-controller-manager";
const DOCKERSHIM: &str = "dockershim is gone: the container runtime has its own configuration";
const CNI: &str = "the container runtime sets up networks: configure CNI there";
const NO_EFFECT: &str = "it had no effect any more";

/// The table.
pub(super) const GONE: &[Gone] = &[
    gone(ApiServer, "insecure-port", "1.24", NO_INSECURE),
    gone(ApiServer, "insecure-bind-address", "1.24", NO_INSECURE),
    gone(ApiServer, "port", "1.24", NO_INSECURE),
    gone(ApiServer, "address", "1.24", NO_INSECURE),
    gone(ApiServer, "cloud-provider", "1.33", CLOUD),
    gone(ApiServer, "cloud-config", "1.33", CLOUD),
    gone(ApiServer, "master-service-namespace", "1.27", NO_EFFECT),
    gone(ApiServer, "identity-lease-duration-seconds", "1.26", "the lease's duration is fixed"),
    gone(ApiServer, "identity-lease-renew-interval-seconds", "1.26", "the lease's renewal is fixed"),
    gone(ApiServer, "basic-auth-file", "1.19", "use `token-auth-file`, OIDC or client certificates"),
    gone(ApiServer, "enable-swagger-ui", "1.14", "the API's description is served at /openapi/v2"),
    gone(ApiServer, "kubelet-https", "1.25 or before", "kubelet is always reached over TLS"),
    gone(ApiServer, "target-ram-mb", "1.25 or before", "`max-requests-inflight` limits the load"),
    gone(
        ApiServer,
        "experimental-encryption-provider-config",
        "1.25 or before",
        "use `encryption-provider-config`",
    ),
    gone(
        ApiServer,
        "experimental-bootstrap-token-auth",
        "1.25 or before",
        "use `enable-bootstrap-token-auth`",
    ),
    gone(ApiServer, "service-account-api-audiences", "1.25 or before", "use `api-audiences`"),
    gone(ApiServer, "audit-dynamic-configuration", "1.19", "use `audit-webhook-config-file`"),
    gone(ApiServer, "etcd-quorum-read", "1.16", "reads are always by quorum"),
    gone(ApiServer, "storage-versions", "1.25 or before", "there is one storage version for each resource"),
    gone(ApiServer, "deserialization-cache-size", "1.25 or before", NO_EFFECT),
    gone(ApiServer, "repair-malformed-updates", "1.25 or before", NO_EFFECT),
    gone(ApiServer, "ssh-user", "1.25 or before", "use `egress-selector-config-file` with Konnectivity"),
    gone(ApiServer, "ssh-keyfile", "1.25 or before", "use `egress-selector-config-file` with Konnectivity"),
    gone(ControllerManager, "port", "1.24", NO_INSECURE),
    gone(ControllerManager, "address", "1.24", NO_INSECURE),
    gone(ControllerManager, "insecure-port", "1.24", NO_INSECURE),
    gone(
        ControllerManager,
        "pod-eviction-timeout",
        "1.27",
        "Pods are evicted by taints: `default-not-ready-toleration-seconds` and `default-unreachable-toleration-seconds` of kube-apiserver set the time",
    ),
    gone(ControllerManager, "enable-taint-manager", "1.27", "it is always on"),
    gone(
        ControllerManager,
        "experimental-cluster-signing-duration",
        "1.25 or before",
        "use `cluster-signing-duration`",
    ),
    gone(ControllerManager, "insecure-experimental-approve-all-kubelet-csrs-for-group", "1.26", NO_EFFECT),
    gone(
        ControllerManager,
        "horizontal-pod-autoscaler-downscale-delay",
        "1.31",
        "use `horizontal-pod-autoscaler-downscale-stabilization`",
    ),
    gone(ControllerManager, "horizontal-pod-autoscaler-upscale-delay", "1.31", NO_EFFECT),
    gone(ControllerManager, "horizontal-pod-autoscaler-use-rest-clients", "1.25 or before", "it always does"),
    gone(ControllerManager, "volume-host-cidr-denylist", "1.31", NO_EFFECT),
    gone(ControllerManager, "volume-host-allow-local-loopback", "1.31", NO_EFFECT),
    gone(ControllerManager, "register-retry-count", "1.25 or before", NO_EFFECT),
    gone(ControllerManager, "deleting-pods-qps", "1.25 or before", "use `node-eviction-rate`"),
    gone(ControllerManager, "deleting-pods-burst", "1.25 or before", NO_EFFECT),
    gone(
        ControllerManager,
        "concurrent-service-syncs",
        "1.37",
        "the service controller runs in the cloud-controller-manager",
    ),
    gone(Scheduler, "port", "1.24", NO_INSECURE),
    gone(Scheduler, "address", "1.24", NO_INSECURE),
    gone(Scheduler, "insecure-port", "1.24", NO_INSECURE),
    gone(Scheduler, "policy-config-file", "1.23", "use `config` with a KubeSchedulerConfiguration"),
    gone(Scheduler, "policy-configmap", "1.23", "use `config` with a KubeSchedulerConfiguration"),
    gone(Scheduler, "policy-configmap-namespace", "1.23", "use `config` with a KubeSchedulerConfiguration"),
    gone(Scheduler, "use-legacy-policy-config", "1.23", "use `config` with a KubeSchedulerConfiguration"),
    gone(Scheduler, "algorithm-provider", "1.23", "use `config` with a KubeSchedulerConfiguration"),
    gone(Scheduler, "scheduler-name", "1.23", "use `config` with a profile's `schedulerName`"),
    gone(Scheduler, "hard-pod-affinity-symmetric-weight", "1.23", "use `config` with InterPodAffinityArgs"),
    gone(Scheduler, "lock-object-name", "1.28", "use `leader-elect-resource-name`"),
    gone(Scheduler, "lock-object-namespace", "1.28", "use `leader-elect-resource-namespace`"),
    gone(Kubelet, "container-runtime", "1.27", "kubelet runs every runtime through the CRI"),
    gone(Kubelet, "docker-endpoint", "1.24", DOCKERSHIM),
    gone(Kubelet, "docker", "1.24", DOCKERSHIM),
    gone(Kubelet, "experimental-dockershim", "1.24", DOCKERSHIM),
    gone(Kubelet, "experimental-dockershim-root-directory", "1.24", DOCKERSHIM),
    gone(Kubelet, "image-pull-progress-deadline", "1.24", DOCKERSHIM),
    gone(Kubelet, "network-plugin", "1.24", CNI),
    gone(Kubelet, "network-plugin-mtu", "1.24", CNI),
    gone(Kubelet, "cni-bin-dir", "1.24", CNI),
    gone(Kubelet, "cni-conf-dir", "1.24", CNI),
    gone(Kubelet, "cni-cache-dir", "1.24", CNI),
    gone(Kubelet, "non-masquerade-cidr", "1.25 or before", CNI),
    gone(Kubelet, "redirect-container-streaming", "1.25 or before", DOCKERSHIM),
    gone(Kubelet, "dynamic-config-dir", "1.24", "use `config` and `config-dir`"),
    gone(Kubelet, "master-service-namespace", "1.27", NO_EFFECT),
    gone(Kubelet, "iptables-drop-bit", "1.31", "it is a field of KubeletConfiguration"),
    gone(Kubelet, "keep-terminated-pod-volumes", "1.31", NO_EFFECT),
    gone(Kubelet, "allow-privileged", "1.15", "Pods are admitted by PodSecurity"),
    gone(Kubelet, "cadvisor-port", "1.12", "metrics are served at kubelet's own port"),
    gone(Kubelet, "require-kubeconfig", "1.25 or before", "`kubeconfig` alone is enough"),
    gone(Kubelet, "api-servers", "1.25 or before", "use `kubeconfig`"),
    gone(Kubelet, "experimental-bootstrap-kubeconfig", "1.25 or before", "use `bootstrap-kubeconfig`"),
    gone(
        Kubelet,
        "experimental-kernel-memcg-notification",
        "1.25 or before",
        "use `kernel-memcg-notification`",
    ),
    gone(Kubelet, "experimental-check-node-capabilities-before-mount", "1.25 or before", NO_EFFECT),
    gone(Kubelet, "chaos-chance", "1.25 or before", NO_EFFECT),
    gone(
        Kubelet,
        "enable-cadvisor-json-endpoints",
        "1.25 or before",
        "metrics are served at /metrics/cadvisor",
    ),
    gone(Kubelet, "cloud-config", "1.34", CLOUD),
    gone(Kubelet, "register-schedulable", "1.34", "use `register-with-taints`"),
    gone(Etcd, "enable-v2", "etcd 3.6", "the v2 API is gone"),
    gone(Etcd, "experimental-enable-v2v3", "etcd 3.6", "the v2 API is gone"),
    gone(Etcd, "proxy", "etcd 3.6", "the v2 proxy is gone: use `etcd grpc-proxy`"),
    gone(Etcd, "proxy-failure-wait", "etcd 3.6", "the v2 proxy is gone"),
    gone(Etcd, "proxy-refresh-interval", "etcd 3.6", "the v2 proxy is gone"),
    gone(Etcd, "proxy-dial-timeout", "etcd 3.6", "the v2 proxy is gone"),
    gone(Etcd, "proxy-write-timeout", "etcd 3.6", "the v2 proxy is gone"),
    gone(Etcd, "proxy-read-timeout", "etcd 3.6", "the v2 proxy is gone"),
    gone(Etcd, "log-package-levels", "etcd 3.5", "use `log-level`"),
    gone(Etcd, "debug", "etcd 3.5", "use `log-level` with `debug`"),
    gone(Etcd, "log-output", "etcd 3.5", "use `log-outputs`"),
    gone(Etcd, "peer-ca-file", "etcd 3.5 or before", "use `peer-trusted-ca-file`"),
    gone(Etcd, "ca-file", "etcd 3.5 or before", "use `trusted-ca-file`"),
];
