mod etcd;
mod together;

use super::*;
use crate::finding::Severity;
use crate::preflight::test_settings;

/// The verdicts on a ClusterConfiguration's text, and what may follow it: `error path rule`.
fn judged(config: &str) -> Vec<String> {
    let settings = test_settings(config);
    let verdicts = judge(&Subject::of(&settings));
    let shown = verdicts.iter().map(|v| {
        let severity = if v.severity == Severity::Error { "error" } else { "warning" };
        format!("{severity} {} {}: {}", v.rule, v.path, v.message)
    });
    shown.collect()
}

/// The verdicts on one flag of a component.
fn flag(component: &str, name: &str, value: &str) -> Vec<String> {
    judged(&format!("{component}: {{extraArgs: [{{name: {name}, value: '{value}'}}]}}\n"))
}

#[test]
fn every_minor_that_is_set_up_is_judged() {
    for release in &crate::config::release::RELEASES {
        assert!(KNOWN.contains(&release.minor), "1.{}", release.minor);
    }
}

#[test]
fn values_that_a_component_refuses_are_errors_at_their_place() {
    for (component, name, value, rule) in [
        ("apiServer", "enable-admission-plugins", "NodeRestriction,PodSecurityPolicy", "admission-plugin"),
        ("apiServer", "enable-admission-plugins", "NodeRestriction, ResourceQuota", "admission-plugin"),
        ("apiServer", "enable-admission-plugins", "NodeRestriction,", "admission-plugin"),
        ("apiServer", "disable-admission-plugins", "PodSecurty", "admission-plugin"),
        ("apiServer", "disable-admission-plugins", "NodeRestriction", "flag-pair"),
        ("apiServer", "runtime-config", "api/all", "runtime-config"),
        ("apiServer", "runtime-config", "batch/v2alpha1/cronJobs=true", "runtime-config"),
        ("apiServer", "runtime-config", "batchs/v1=true", "runtime-config"),
        ("apiServer", "runtime-config", "api/all=false", "runtime-config"),
        ("apiServer", "runtime-config", "api/ga=false,apps/v1=true", "runtime-config"),
        ("apiServer", "tls-cipher-suites", "TLS_RSA_WITH_AES_128_CBC_SHA256X", "flag-value"),
        ("apiServer", "runtime-config", "batch/v2alpha1=true", "runtime-config"),
        ("apiServer", "runtime-config", "apps=true", "runtime-config"),
        ("apiServer", "tls-min-version", "TLS1.2", "flag-value"),
        ("apiServer", "tls-cipher-suites", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "flag-value"),
        ("apiServer", "feature-gates", "kube-apiserver:MemoryQoS=true", "flag-type"),
        ("apiServer", "enable-admission-plugins", "\"NodeRestriction", "flag-type"),
        ("apiServer", "service-account-issuer", "http://x:y:z", "flag-value"),
        ("apiServer", "service-cluster-ip-range", "10.96.0.0/30", "flag-range"),
        ("apiServer", "service-cluster-ip-range", "10.96.0.0", "flag-type"),
        ("apiServer", "emulated-version", "1.20", "flag-range"),
        ("scheduler", "emulated-version", "kube=1.37", "flag-range"),
        ("apiServer", "runtime-config-emulation-forward-compatible", "true", "flag-pair"),
        ("apiServer", "log-text-split-stream", "true", "flag-pair"),
        ("apiServer", "logging-format", "", "flag-value"),
        ("apiServer", "bind-address", "010.0.0.1", "flag-type"),
        ("apiServer", "version", "true", "flag-value"),
        ("apiServer", "authorization-mode", "Node;RBAC", "authorization-mode"),
        ("apiServer", "authorization-mode", "Node,RBAC,Webhook", "authorization-mode"),
        ("apiServer", "authorization-mode", "Node,Node", "authorization-mode"),
        ("apiServer", "authorization-policy-file", "/x", "authorization-mode"),
        ("apiServer", "audit-log-maxage", "30d", "flag-type"),
        ("apiServer", "profiling", "no", "flag-type"),
        ("apiServer", "allow-privileged", "yes", "flag-type"),
        ("apiServer", "goaway-chance", "0.5", "flag-range"),
        ("apiServer", "request-timeout", "-1s", "flag-range"),
        ("apiServer", "oidc-issuer-url", "https://id.example.com", "flag-pair"),
        ("apiServer", "secure-port", "0", "flag-range"),
        ("apiServer", "advertise-address", "2001:db8::15", "address-family"),
        ("apiServer", "service-account-max-token-expiration", "1m", "flag-range"),
        ("apiServer", "service-account-signing-endpoint", "/x", "flag-pair"),
        ("apiServer", "encryption-provider-config-automatic-reload", "true", "flag-pair"),
        ("apiServer", "feature-gates", "NodeSwop=true", "feature-gate"),
        ("apiServer", "feature-gates", "NodeSwap", "flag-type"),
        ("apiServer", "endpoint-reconciler-type", "leases", "flag-value"),
        ("apiServer", "storage-media-type", "json", "flag-value"),
        ("apiServer", "strict-transport-security-directives", "max-age", "flag-value"),
        ("apiServer", "cors-allowed-origins", "example.org", "flag-value"),
        ("apiServer", "etcd-servers-overrides", "events#https://x", "flag-value"),
        ("apiServer", "coordinated-leadership-renew-deadline", "20s", "flag-pair"),
        ("apiServer", "admission-control", "NodeRestriction", "flag-pair"),
        ("apiServer", "insecure-port", "0", "flag-unknown"),
        ("apiServer", "logging-format", "xml", "flag-value"),
        ("apiServer", "show-hidden-metrics-for-version", "1.30", "flag-value"),
        ("apiServer", "watch-cache-sizes", "pods", "flag-value"),
        ("apiServer", "storage-media-type", "application/cbor", "flag-value"),
        ("controllerManager", "cloud-provider", "aws", "cloud-provider"),
        ("controllerManager", "controllers", "*,bootstrapsignr", "controller"),
        ("controllerManager", "concurrent-job-syncs", "0", "flag-range"),
        ("controllerManager", "cluster-signing-kubelet-client-key-file", "/x", "flag-pair"),
        ("controllerManager", "leader-elect-lease-duration", "5s", "flag-pair"),
        ("controllerManager", "leader-elect-retry-period", "9s", "flag-pair"),
        ("controllerManager", "node-monitor-period", "5", "flag-type"),
        ("controllerManager", "max-endpoints-per-slice", "2000", "flag-range"),
        ("scheduler", "leader-elect-resource-lock", "endpoints", "flag-value"),
        ("controllerManager", "leader-elect-retry-period", "0s", "flag-range"),
        ("controllerManager", "kube-api-burst", "-1", "flag-range"),
        ("scheduler", "leader-elect-resource-lock", "", "flag-value"),
        ("scheduler", "v", "high", "flag-type"),
    ] {
        let found = flag(component, name, value);
        let want = format!("error {rule} {component}.extraArgs.0");
        assert!(found.iter().any(|told| told.starts_with(&want)), "{name}={value}: {found:#?}");
    }
}

#[test]
fn values_that_a_component_takes_are_left_alone() {
    for (component, name, value) in [
        ("apiServer", "enable-admission-plugins", "NodeRestriction,AlwaysPullImages"),
        ("apiServer", "disable-admission-plugins", "PodSecurity"),
        ("apiServer", "runtime-config", "api/all=true,batch/v1=false,storage.k8s.io/v1beta1/csinodes"),
        ("apiServer", "runtime-config", "api/v1=true,/v1=true"),
        ("apiServer", "authorization-mode", "Node,RBAC,AlwaysAllow"),
        ("apiServer", "audit-log-maxage", "30"),
        (
            "apiServer",
            "tls-cipher-suites",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        ),
        ("apiServer", "goaway-chance", "0.001"),
        ("apiServer", "max-requests-inflight", "1_000"),
        ("apiServer", "show-hidden-metrics-for-version", "1.35"),
        ("apiServer", "watch-cache-sizes", "pods#100,nodes#0"),
        ("apiServer", "feature-gates", "NodeSwap=true,kube:MemoryQoS=true"),
        ("apiServer", "runtime-config", "v1=true"),
        ("apiServer", "allow-metric-labels", "metric,label=a"),
        ("apiServer", "emulated-version", "kube=1.35"),
        ("apiServer", "goaway-chance", "NaN"),
        ("apiServer", "service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        ("apiServer", "audit_log_maxage", "3"),
        ("apiServer", "anonymous-auth", "false"),
        ("apiServer", "event-ttl", "1h30m"),
        ("apiServer", "service-node-port-range", "30000-32767"),
        ("apiServer", "tls-sni-cert-key", "a,b:x"),
        ("controllerManager", "cloud-provider", "external"),
        ("controllerManager", "controllers", "*,bootstrapsigner,-ttl-controller"),
        ("controllerManager", "node-cidr-mask-size", "24"),
        ("controllerManager", "leader-elect", "false"),
        ("scheduler", "v", "4"),
        ("scheduler", "vmodule", "a=1,b*=2"),
    ] {
        assert_eq!(flag(component, name, value), [] as [&str; 0], "{name}={value}");
    }
}

#[test]
fn hidden_flags_are_deprecated_not_unknown() {
    for (component, name, value) in [
        ("apiServer", "apiserver-count", "3"),
        ("apiServer", "kubelet-port", "10250"),
        ("apiServer", "default-watch-cache-size", "200"),
        ("controllerManager", "node-sync-period", "10s"),
    ] {
        let found = flag(component, name, value);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("warning flag-deprecated")), "{found:?}");
    }
}

#[test]
fn pairs_of_flags_exclude_each_other() {
    let pair = |a: &str, b: &str| judged(&format!("apiServer: {{extraArgs: [{a}, {b}]}}\n"));
    for (a, b, want) in [
        ("{name: authentication-config, value: /x}", "{name: oidc-client-id, value: k}", "flag-pair"),
        ("{name: authorization-config, value: /x}", "{name: authorization-mode, value: RBAC}", "flag-pair"),
        ("{name: oidc-issuer-url, value: 'http://x'}", "{name: oidc-client-id, value: k}", "flag-value"),
        ("{name: audit-log-path, value: '-'}", "{name: audit-log-mode, value: async}", "flag-value"),
        ("{name: audit-log-path, value: '-'}", "{name: audit-log-maxage, value: '-1'}", "flag-range"),
        ("{name: kubernetes-service-node-port, value: '80'}", "{name: v, value: '2'}", "flag-pair"),
        (
            "{name: service-account-issuer, value: a}",
            "{name: service-account-issuer, value: a}",
            "flag-value",
        ),
    ] {
        let found = pair(a, b);
        assert!(found.iter().any(|told| told.starts_with(&format!("error {want}"))), "{a} {b}: {found:#?}");
    }
    assert_eq!(
        pair("{name: oidc-issuer-url, value: 'https://x'}", "{name: oidc-client-id, value: k}"),
        [] as [&str; 0]
    );
    assert_eq!(
        pair("{name: audit-log-maxage, value: '-1'}", "{name: v, value: '2'}"),
        [] as [&str; 0],
        "no audit log"
    );
}

#[test]
fn pods_that_kubelet_refuses_are_told_at_the_users_volume() {
    let volumes = |volumes: &str| judged(&format!("apiServer: {{extraVolumes: [{volumes}]}}\n"));
    let found =
        volumes("{name: v1, hostPath: /a, mountPath: /opt/x}, {name: v2, hostPath: /b, mountPath: /opt/x}");
    assert!(found[0].starts_with("error static-pod apiServer.extraVolumes.1.mountPath"), "{found:?}");
    let found = volumes("{name: v1, hostPath: /a, mountPath: /opt/x, pathType: Dir}");
    assert!(found[0].starts_with("error static-pod apiServer.extraVolumes.0.pathType"), "{found:?}");
    let found = judged("apiServer: {extraEnvs: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}\n");
    assert!(found[0].starts_with("error static-pod apiServer.extraEnvs.0"), "{found:?}");
    assert_eq!(volumes("{name: v1, hostPath: /a, mountPath: /opt/x, pathType: Directory}"), [] as [&str; 0]);
}

#[test]
fn nodes_are_judged_by_their_labels_and_taints() {
    let node = |node: &str| {
        judged(&format!(
            "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {{{node}}}\n"
        ))
    };
    for (text, want) in [
        ("taints: [{key: dedicated, value: infra}]", "error taint nodeRegistration.taints.0.effect"),
        ("taints: [{key: a b, effect: NoSchedule}]", "error taint nodeRegistration.taints.0.key"),
        (
            "kubeletExtraArgs: [{name: node-labels, value: node-role.kubernetes.io/worker=}]",
            "error node-label",
        ),
        ("kubeletExtraArgs: [{name: max-pods, value: many}]", "error flag-type"),
        ("kubeletExtraArgs: [{name: container-runtime, value: remote}]", "error flag-unknown"),
    ] {
        let found = node(text);
        assert!(found.iter().any(|told| told.starts_with(want)), "{text}: {found:#?}");
    }
    assert_eq!(
        node("kubeletExtraArgs: [{name: node-labels, value: 'a=b,node.kubernetes.io/x=y'}]"),
        [] as [&str; 0]
    );
}

#[test]
fn a_flag_that_needs_a_gate_is_judged_by_the_gates_default() {
    let peer = |version: &str| {
        judged(&format!(
            "kubernetesVersion: {version}\napiServer: {{extraArgs: [{{name: peer-ca-file, value: /x}}]}}\n"
        ))
    };
    assert_eq!((peer("v1.35.2").len(), peer("v1.36.2").len()), (1, 0));
}

#[test]
fn our_own_configuration_has_no_verdict_in_any_minor() {
    for version in ["v1.33.9", "v1.34.5", "v1.35.2", "v1.36.2", "v1.37.0"] {
        assert_eq!(judged(&format!("kubernetesVersion: {version}\n")), [] as [&str; 0], "{version}");
    }
}

#[test]
fn flags_are_known_where_their_list_was_recorded_from_the_component() {
    let known = |config: &str, component| {
        let settings = test_settings(config);
        Subject::of(&settings).knows_flags(component)
    };
    let server = |version: &str, name: &str| {
        let args = format!("apiServer: {{extraArgs: [{{name: {name}, value: '30'}}]}}\n");
        known(&format!("kubernetesVersion: {version}\n{args}"), Component::ApiServer)
    };
    assert!(server("v1.36.2", "audit-log-maxage") && server("v1.36.2", "audit_log_maxage"));
    assert!(!server("v1.37.0", "audit-log-maxage"), "its list was made from release notes");
    assert!(!server("v1.36.2", "tls-curve-preference") && !server("v1.36.2", "version"));
    assert!(known("kubernetesVersion: v1.37.0\n", Component::ApiServer), "the user gives none");
    let etcd = |tag: &str, name: &str| {
        let args = format!("extraArgs: [{{name: {name}, value: '1'}}]");
        known(&format!("etcd: {{local: {{imageTag: {tag}, {args}}}}}\n"), Component::Etcd)
    };
    assert!(etcd("3.6.8-0", "snapshot-count") && etcd("3.5.24-0", "enable-v2"));
    assert!(!etcd("3.6.8-0", "enable-v2") && !etcd("mine", "snapshot-count"));
}
