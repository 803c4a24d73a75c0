//! The Kubernetes minors we set up, and what kubeadm does differently from one to the next. Each row says what kubeadm of
//! that minor does; what its components accept stands with the rules in [`crate::components`].

use super::version::KubernetesVersion;

/// The facts of one Kubernetes minor.
#[derive(Debug)]
pub(crate) struct Release {
    /// The minor: 36 for 1.36.
    pub minor: u64,
    /// The newest patch known when this was built.
    pub newest_patch: u64,
    /// etcd image tags: from which patch on, which tag; ascending.
    pub etcd: &'static [(u64, &'static str)],
    /// Tag of the CoreDNS image.
    pub coredns: &'static str,
    /// Tag of the pause image.
    pub pause: &'static str,
    /// First patch in which extraArgs follow the sorted defaults in the order given; before it everything is sorted.
    pub args_in_given_order_since: u64,
    /// First patch in which the API server's kubelet client has no organization, but a ClusterRoleBinding.
    pub kubelet_client_binding_since: u64,
    /// Static Pods name their probe port (`probe-port`), and CoreDNS its probe ports.
    pub named_probe_ports: bool,
    /// How etcd's settings that were once experimental are written.
    pub etcd_flags: EtcdFlags,
    /// kubeadm's feature gates.
    pub feature_gates: &'static [&'static str],
    /// kubelet's CRI socket is in `instance-config.yaml`; before, it was a flag and a Node annotation.
    pub instance_config: bool,
    /// kubelet gets `--pod-infra-container-image` (later kubelets refuse it).
    pub pod_infra_flag: bool,
    /// `etcd.external.httpEndpoints` exists.
    pub http_endpoints: bool,
    /// kube-controller-manager mounts the folder of FlexVolume plugins.
    pub flex_volume: bool,
    /// Kubeconfigs have an empty `preferences`.
    pub kubeconfig_preferences: bool,
    /// kube-proxy's mode is written out (`iptables`), not left empty.
    pub explicit_proxy_mode: bool,
    /// kube-proxy's bindAddress may be of another family than the advertise address.
    pub bind_address_of_any_family: bool,
    /// There is the patch target `kubeproxydaemonset`.
    pub patches_kube_proxy: bool,
}

/// How kubeadm of a minor writes the settings of etcd that were experimental before etcd 3.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EtcdFlags {
    /// As `--experimental-…`.
    Experimental,
    /// As etcd of the image's tag knows them.
    ByTag,
    /// As etcd 3.6 knows them.
    Current,
}

/// kubeadm's feature gates in 1.33 and 1.34.
const GATES_UNTIL_34: &[&str] = &[
    "ControlPlaneKubeletLocalMode",
    "NodeLocalCRISocket",
    "PublicKeysECDSA",
    "RootlessControlPlane",
    "WaitForAllControlPlaneComponents",
];

/// The minors we set up, newest last.
pub(crate) static RELEASES: [Release; 5] = [
    Release {
        minor: 33,
        newest_patch: 13,
        etcd: &[(0, "3.5.21-0"), (6, "3.5.24-0")],
        coredns: "v1.12.0",
        pause: "3.10",
        args_in_given_order_since: 8,
        kubelet_client_binding_since: 12,
        named_probe_ports: false,
        etcd_flags: EtcdFlags::Experimental,
        feature_gates: GATES_UNTIL_34,
        instance_config: false,
        pod_infra_flag: true,
        http_endpoints: false,
        flex_volume: true,
        kubeconfig_preferences: true,
        explicit_proxy_mode: false,
        bind_address_of_any_family: false,
        patches_kube_proxy: false,
    },
    Release {
        minor: 34,
        newest_patch: 12,
        etcd: &[(0, "3.6.4-0"), (2, "3.6.5-0")],
        coredns: "v1.12.1",
        pause: "3.10.1",
        args_in_given_order_since: 4,
        kubelet_client_binding_since: 8,
        named_probe_ports: true,
        etcd_flags: EtcdFlags::ByTag,
        feature_gates: GATES_UNTIL_34,
        instance_config: true,
        pod_infra_flag: true,
        http_endpoints: false,
        flex_volume: true,
        kubeconfig_preferences: false,
        explicit_proxy_mode: false,
        bind_address_of_any_family: false,
        patches_kube_proxy: false,
    },
    Release {
        minor: 35,
        newest_patch: 9,
        etcd: &[(0, "3.6.6-0")],
        coredns: "v1.13.1",
        pause: "3.10.1",
        args_in_given_order_since: 1,
        kubelet_client_binding_since: 5,
        named_probe_ports: true,
        etcd_flags: EtcdFlags::ByTag,
        feature_gates: &[
            "ControlPlaneKubeletLocalMode",
            "NodeLocalCRISocket",
            "PublicKeysECDSA",
            "RootlessControlPlane",
        ],
        instance_config: true,
        pod_infra_flag: false,
        http_endpoints: true,
        flex_volume: true,
        kubeconfig_preferences: false,
        explicit_proxy_mode: false,
        bind_address_of_any_family: false,
        patches_kube_proxy: false,
    },
    Release {
        minor: 36,
        newest_patch: 5,
        etcd: &[(0, "3.6.8-0")],
        coredns: "v1.14.2",
        pause: "3.10.2",
        args_in_given_order_since: 0,
        kubelet_client_binding_since: 1,
        named_probe_ports: true,
        etcd_flags: EtcdFlags::Current,
        feature_gates: &["NodeLocalCRISocket", "PublicKeysECDSA", "RootlessControlPlane"],
        instance_config: true,
        pod_infra_flag: false,
        http_endpoints: true,
        flex_volume: false,
        kubeconfig_preferences: false,
        explicit_proxy_mode: false,
        bind_address_of_any_family: false,
        patches_kube_proxy: false,
    },
    Release {
        minor: 37,
        newest_patch: 1,
        etcd: &[(0, "3.7.0-0")],
        coredns: "v1.14.6",
        pause: "3.10.2",
        args_in_given_order_since: 0,
        kubelet_client_binding_since: 0,
        named_probe_ports: true,
        etcd_flags: EtcdFlags::Current,
        feature_gates: &["RootlessControlPlane"],
        instance_config: true,
        pod_infra_flag: false,
        http_endpoints: true,
        flex_volume: false,
        kubeconfig_preferences: false,
        explicit_proxy_mode: true,
        bind_address_of_any_family: true,
        patches_kube_proxy: true,
    },
];

/// A version that the table does not hold.
#[derive(Debug, thiserror::Error)]
#[error("Kubernetes {version} can't be set up: this kubestrap knows 1.{} to 1.{}", .oldest, .newest)]
pub(crate) struct UnsupportedVersion {
    version: KubernetesVersion,
    oldest: u64,
    newest: u64,
}

/// The row of the newest minor.
pub(super) fn newest() -> &'static Release {
    let [.., newest] = &RELEASES;
    newest
}

/// The version that is set up where nobody names one, on a machine with this kubelet: the newest known patch of kubelet's
/// minor, since the API server must not be older than kubelet; else the newest of the table.
pub(crate) fn default_version(kubelet: Option<&KubernetesVersion>) -> KubernetesVersion {
    let of_kubelet = kubelet.and_then(|kubelet| Some((kubelet, Release::of(kubelet).ok()?)));
    let Some((kubelet, release)) = of_kubelet else { return newest().newest_known() };
    let known = release.newest_known();
    // A kubelet that was released after this was built proves that its patch exists.
    if kubelet.is_release() && *kubelet > known { kubelet.clone() } else { known }
}

impl Release {
    /// The newest patch known when this was built.
    pub(crate) fn newest_known(&self) -> KubernetesVersion {
        KubernetesVersion::of_release(self.minor, self.newest_patch)
    }

    /// The row for `version`.
    ///
    /// # Errors
    /// When its minor is not in the table.
    pub(crate) fn of(version: &KubernetesVersion) -> Result<&'static Self, UnsupportedVersion> {
        let row = RELEASES.iter().find(|r| version.major() == 1 && r.minor == version.minor());
        row.ok_or_else(|| UnsupportedVersion {
            version: version.clone(),
            oldest: RELEASES.first().map_or(0, |r| r.minor),
            newest: RELEASES.last().map_or(0, |r| r.minor),
        })
    }

    /// The etcd image tag that goes with a patch of this minor.
    pub(crate) fn etcd_tag(&self, patch: u64) -> &'static str {
        self.etcd.iter().rev().find(|(from, _)| *from <= patch).map_or("", |(_, tag)| tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_follows_the_installed_kubelet() {
        let default = |kubelet: Option<&str>| {
            let kubelet: Option<KubernetesVersion> = kubelet.map(|v| v.parse().unwrap());
            default_version(kubelet.as_ref()).to_string()
        };
        let newest = |minor: u64| {
            let row = RELEASES.iter().find(|r| r.minor == minor).unwrap();
            format!("v1.{minor}.{}", row.newest_patch)
        };
        assert_eq!(default(Some("v1.35.0")), newest(35));
        assert_eq!(default(Some("v1.36.0-rc.1")), newest(36));
        assert_eq!(default(Some("v1.36.2+k3s1")), newest(36));
        assert_eq!(default(Some("v1.36.99")), "v1.36.99");
        assert_eq!(default(Some("v1.36.99-rc.1")), newest(36));
        for unknown in [None, Some("v1.30.0"), Some("v1.99.0"), Some("v2.36.0")] {
            assert_eq!(default(unknown), newest(37), "{unknown:?}");
        }
    }

    #[test]
    fn the_etcd_tag_follows_the_patch() {
        let tag = |v: &str| {
            let version: KubernetesVersion = v.parse().unwrap();
            Release::of(&version).unwrap().etcd_tag(version.patch())
        };
        assert_eq!((tag("v1.33.5"), tag("v1.33.6"), tag("v1.36.2")), ("3.5.21-0", "3.5.24-0", "3.6.8-0"));
    }

    #[test]
    fn a_version_outside_the_table_is_refused_in_words() {
        for v in ["v1.30.0", "v1.38.0", "v2.36.0"] {
            let error = Release::of(&v.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(v) && error.contains("1.33 to 1.37"), "{error}");
        }
    }
}
