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
fn etcd_is_judged_by_its_own_rules() {
    let etcd = |args: &str| judged(&format!("etcd: {{local: {{extraArgs: [{args}]}}}}\n"));
    for (args, want) in [
        ("{name: quota-backend-bytes, value: 8G}", "error flag-type"),
        ("{name: quota-backend-bytes, value: '17179869184'}", "warning flag-range"),
        ("{name: auto-compaction-mode, value: hourly}", "error flag-value"),
        ("{name: auto-compaction-retention, value: 1d}", "error flag-type"),
        ("{name: election-timeout, value: '100'}", "error flag-pair"),
        ("{name: election-timeout, value: '60000'}", "error flag-range"),
        ("{name: listen-metrics-urls, value: 'http://metrics:2381'}", "error flag-value"),
        ("{name: listen-metrics-urls, value: '0.0.0.0:2381'}", "error flag-type"),
        ("{name: data-dir, value: /srv/etcd}", "warning contradiction"),
        ("{name: name, value: other}", "error flag-pair"),
        ("{name: enable-v2, value: 'true'}", "error flag-unknown"),
        ("{name: experimental-initial-corrupt-check, value: 'true'}", "error flag-pair"),
        ("{name: auth-token, value: jwt}", "error flag-value"),
        ("{name: compact-hash-check-time, value: 0s}", "error flag-range"),
        ("{name: feature-gates, value: Nonesuch=true}", "error flag-value"),
        ("{name: log-outputs, value: 'default,stderr'}", "error flag-value"),
        ("{name: enable-log-rotation, value: 'true'}", "error flag-pair"),
        ("{name: tls-min-version, value: TLS1.3}, {name: tls-max-version, value: TLS1.2}", "error flag-pair"),
        ("{name: initial-cluster, value: 'cp=https://192.0.2.99:2380'}", "error flag-pair"),
        ("{name: initial-cluster, value: cp}", "error flag-type"),
        ("{name: cert-file, value: ''}", "error flag-pair"),
        ("{name: peer-key-file, value: ''}", "error flag-pair"),
        ("{name: cipher-suites, value: TLS_RSA_WITH_AES_128_CBC_SHA}", "error flag-value"),
        ("{name: auto-compaction-mode, value: ''}", "error flag-value"),
        ("{name: listen-metrics-urls, value: 'http://127.0.0.1:2381,'}", "error flag-type"),
        ("{name: auth-token, value: 'jwt,sign-method=RS256'}", "error flag-value"),
        ("{name: auth-token, value: 'jwt,priv-key=/x,sign-method=XX'}", "error flag-value"),
        ("{name: initial-cluster-state, value: existing}", "warning contradiction"),
        (
            "{name: experimental-corrupt-check-time, value: 1h}, {name: corrupt-check-time, value: 1h}",
            "error flag-pair",
        ),
    ] {
        let found = etcd(args);
        assert!(found.iter().any(|told| told.starts_with(want)), "{args}: {found:#?}");
    }
    for args in [
        "{name: quota-backend-bytes, value: '8589934592'}, {name: auto-compaction-retention, value: 8h}",
        "{name: listen-metrics-urls, value: 'http://0.0.0.0:2381'}",
        "{name: listen-metrics-urls, value: 'HTTP://0.0.0.0:2381'}",
        "{name: log-level, value: Warning}",
        "{name: feature-gates, value: 'InitialCorruptCheck=true, CompactHashCheck=true'}",
        "{name: auth-token, value: 'jwt,priv-key=/x,sign-method=ES256'}",
        "{name: auto-compaction-mode, value: revision}, {name: auto-compaction-retention, value: '1000'}",
        "{name: election-timeout, value: '5000'}, {name: heartbeat-interval, value: '500'}",
    ] {
        assert_eq!(etcd(args), [] as [&str; 0], "{args}");
    }
    let old = "etcd: {local: {imageTag: 3.5.24-0, extraArgs: [{name: quota-backend-byte, value: x}]}}\n";
    let told = judged(old);
    assert!(told.iter().any(|told| told.contains("did you mean `quota-backend-bytes`?")), "{told:?}");
    assert!(told.iter().any(|told| told.starts_with("warning") && told.contains("`feature-gates`")));
    let proxy = |tag: &str| {
        let mut told = judged(&format!(
            "etcd: {{local: {{imageTag: {tag}, extraArgs: [{{name: proxy, value: readonly}}]}}}}\n"
        ));
        told.retain(|told| told.contains("`proxy`"));
        told
    };
    assert_eq!(proxy("3.5.24-0"), [] as [&str; 0]);
    assert_eq!(proxy("mine"), [] as [&str; 0], "whose flags nobody knows");
    assert!(proxy("3.6.8-0")[0].contains("removed in etcd 3.6"), "{:?}", proxy("3.6.8-0"));
    let level = |tag: &str| {
        judged(&format!(
            "etcd: {{local: {{imageTag: {tag}, extraArgs: [{{name: log-level, value: warning}}]}}}}\n"
        ))
    };
    assert_eq!(level("3.6.6-0"), [] as [&str; 0]);
    assert_eq!(level("3.6.5-0").len(), 1, "etcd knows the word since 3.6.6");
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

/// A document of a component's configuration after a ClusterConfiguration.
fn beside(kind: &str, fields: &str) -> String {
    let api = match kind {
        "KubeletConfiguration" => "kubelet.config.k8s.io/v1beta1",
        "KubeProxyConfiguration" => "kubeproxy.config.k8s.io/v1alpha1",
        _ => "kubeadm.k8s.io/v1beta4",
    };
    format!("networking: {{podSubnet: 10.244.0.0/16}}\n---\napiVersion: {api}\nkind: {kind}\n{fields}\n")
}

/// A flag of kubelet.
fn with_kubelet_flag(name: &str, value: &str) -> String {
    let args = format!("nodeRegistration: {{kubeletExtraArgs: [{{name: {name}, value: '{value}'}}]}}");
    beside("InitConfiguration", &args)
}

#[test]
fn two_programs_can_not_listen_on_one_port() {
    let bind = |port: u16| {
        beside(
            "InitConfiguration",
            &format!("localAPIEndpoint: {{advertiseAddress: 192.0.2.10, bindPort: {port}}}"),
        )
    };
    let secure = |component: &str, port: u16| {
        format!("{component}: {{extraArgs: [{{name: secure-port, value: '{port}'}}]}}\n")
    };
    for (config, want) in [
        (
            bind(10250),
            "error port localAPIEndpoint.bindPort: kube-apiserver `secure-port`: port 10250 is kubelet's",
        ),
        (bind(2379), "error port localAPIEndpoint.bindPort: "),
        (secure("controllerManager", 10259), "error port controllerManager.extraArgs.0.value: "),
        (
            secure("apiServer", 8443),
            "error port apiServer.extraArgs.0.value: kube-apiserver `--secure-port`: kubelet",
        ),
        (beside("KubeletConfiguration", "healthzPort: 10250"), "error port healthzPort: "),
        (beside("KubeletConfiguration", "readOnlyPort: 10250"), "error port readOnlyPort: "),
        (beside("KubeletConfiguration", "port: 6443"), "error port port: "),
        (
            beside("KubeProxyConfiguration", "metricsBindAddress: 0.0.0.0:10256"),
            "warning port metricsBindAddress: ",
        ),
        (
            "apiServer: {extraArgs: [{name: service-node-port-range, value: 2000-32767}]}\n".into(),
            "warning port apiServer.extraArgs.0.value: ",
        ),
    ] {
        let found = judged(&config);
        assert!(found.iter().any(|told| told.starts_with(want)), "{config}: {found:#?}");
    }
    for (flag, value, want) in [
        (
            "healthz-port",
            "10257",
            "error port nodeRegistration.kubeletExtraArgs.0.value: kubelet `healthz-port`: port 10257 is kube-controller-manager's",
        ),
        ("port", "6443", "error port nodeRegistration.kubeletExtraArgs.0.value: kubelet `port`: "),
        ("read-only-port", "10250", "error port nodeRegistration.kubeletExtraArgs.0.value: "),
    ] {
        let found = judged(&with_kubelet_flag(flag, value));
        assert!(found.len() == 1 && found[0].starts_with(want), "{flag}: {found:#?}");
    }
    let moved = "kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nhealthzPort: 10257\n";
    let moved = format!("{}---\napiVersion: {moved}", with_kubelet_flag("healthz-port", "10248"));
    assert_eq!(judged(&moved), [""; 0], "flags win over the file");
    for config in [
        bind(443),
        with_kubelet_flag("healthz-bind-address", "192.0.2.10"),
        beside("KubeletConfiguration", "readOnlyPort: 10255\nhealthzPort: 0"),
        beside("KubeletConfiguration", "healthzBindAddress: 192.0.2.10\nhealthzPort: 10257"),
    ] {
        assert_eq!(judged(&config), [""; 0], "{config}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    for (fields, want) in [
        ("staticPodPath: /etc/kubernetes/manifest", "error contradiction staticPodPath: "),
        ("clusterDomain: corp.example.org", "warning contradiction clusterDomain: "),
        ("clusterDNS: [10.200.0.10]", "warning contradiction clusterDNS.0: "),
        ("cgroupDriver: system", "warning contradiction cgroupDriver: "),
        ("maxPods: 500", "warning contradiction maxPods: "),
    ] {
        let found = judged(&beside("KubeletConfiguration", fields));
        assert!(found.len() == 1 && found[0].starts_with(want), "{fields}: {found:#?}");
    }
    for (flag, value, want) in [
        ("pod-manifest-path", "/etc/kubernetes/manifest", "error contradiction"),
        ("cluster-domain", "corp.example.org", "warning contradiction"),
        ("cluster-dns", "10.200.0.10", "warning contradiction"),
        ("cgroup-driver", "system", "warning contradiction"),
        ("max-pods", "500", "warning contradiction"),
    ] {
        let found = judged(&with_kubelet_flag(flag, value));
        let want = format!("{want} nodeRegistration.kubeletExtraArgs.0.value: kubelet `--{flag}`: ");
        assert!(found.len() == 1 && found[0].starts_with(&want), "{flag}: {found:#?}");
    }
    for fields in [
        "staticPodPath: /etc/kubernetes/manifests/",
        "clusterDomain: cluster.local.",
        "clusterDNS: [169.254.20.10]",
        "clusterDNS: [10.96.0.53]",
        "cgroupDriver: systemd",
        "maxPods: 254",
    ] {
        assert_eq!(judged(&beside("KubeletConfiguration", fields)), [""; 0], "{fields}");
    }
    let volume = |name: &str, path: &str| {
        format!("apiServer: {{extraVolumes: [{{name: {name}, hostPath: {path}, mountPath: /etc/own}}]}}\n")
    };
    let found = judged(&volume("k8s-certs", "/etc/own"));
    assert!(found[0].starts_with("error contradiction apiServer.extraVolumes.0.name: "), "{found:#?}");
    let found = judged(&volume("own", "etc/own"));
    assert!(found[0].starts_with("warning contradiction apiServer.extraVolumes.0.hostPath: "), "{found:#?}");
    assert_eq!(judged(&volume("ca-certs", "/etc/own")), [""; 0], "no file that a flag names is in it");
}

#[test]
fn shares_of_the_pods_subnet_fit_its_families() {
    let told = |subnet: &str, flags: &[(&str, &str)]| {
        let flags: String =
            flags.iter().map(|(name, value)| format!("{{name: {name}, value: '{value}'}}, ")).collect();
        judged(&format!(
            "networking: {{podSubnet: '{subnet}', serviceSubnet: '10.96.0.0/16,fd00:20::/112'}}\ncontrollerManager: {{extraArgs: [{flags}]}}\n"
        ))
    };
    let (v4, v6, both) = ("node-cidr-mask-size-ipv4", "node-cidr-mask-size-ipv6", "node-cidr-mask-size");
    let dual = "10.244.0.0/16,fd00:10::/56";
    assert_eq!(told(dual, &[(both, "24")]).len(), 1);
    assert_eq!(told(dual, &[(v4, "24"), (v6, "64")]), [""; 0]);
    assert_eq!(told("10.244.0.0/16", &[(v6, "64")]).len(), 1);
    assert_eq!(told("10.244.0.0/16", &[(both, "24"), (v4, "24")]).len(), 1);
    assert_eq!(told("10.244.0.0/16", &[(both, "24")]), [""; 0]);
    let off = [(both, "24"), ("allocate-node-cidrs", "false")];
    assert_eq!(told(dual, &off), [""; 0]);
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
