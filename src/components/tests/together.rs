//! Settings that must fit each other.

use super::judged;

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
    // 1.33 has the probe's port as a number, later minors as a port's name.
    for version in ["v1.33.9", "v1.36.2"] {
        for (component, port) in [("apiServer", 8443), ("controllerManager", 11257), ("scheduler", 11259)] {
            let config = format!("kubernetesVersion: {version}\n{}", secure(component, port));
            let found = judged(&config);
            assert!(
                found.len() == 1 && found[0].contains("kubelet probes it at port"),
                "{config}: {found:#?}"
            );
        }
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
