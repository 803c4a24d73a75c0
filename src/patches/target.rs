//! What can be patched.

use super::schema::Schema;
use crate::config::Release;

/// The DaemonSet of kube-proxy: a target since kubeadm 1.37.
pub(crate) const KUBE_PROXY_DAEMON_SET: &str = "kubeproxydaemonset";
/// The Deployment of CoreDNS.
pub(crate) const COREDNS_DEPLOYMENT: &str = "corednsdeployment";
/// The configuration of the kubelet.
pub(crate) const KUBELET_CONFIGURATION: &str = "kubeletconfiguration";

const TARGETS: [(&str, Schema); 7] = [
    ("etcd", Schema::Pod),
    ("kube-apiserver", Schema::Pod),
    ("kube-controller-manager", Schema::Pod),
    ("kube-scheduler", Schema::Pod),
    (KUBELET_CONFIGURATION, Schema::KubeletConfiguration),
    (COREDNS_DEPLOYMENT, Schema::Deployment),
    (KUBE_PROXY_DAEMON_SET, Schema::DaemonSet),
];

/// The names that patch files can begin with, for a Kubernetes of this minor.
pub(crate) fn known_targets(release: &Release) -> Vec<&'static str> {
    let names = TARGETS.iter().map(|(name, _)| *name);
    names.filter(|name| release.patches_kube_proxy || *name != KUBE_PROXY_DAEMON_SET).collect()
}

/// The type of the object that `target` stands for.
pub(super) fn schema_of(target: &str) -> Option<Schema> {
    TARGETS.iter().find(|(name, _)| *name == target).map(|(_, schema)| *schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_proxy_can_be_patched_since_1_37() {
        let of = |version: &str| known_targets(Release::of(&version.parse().unwrap()).unwrap());
        assert!(!of("v1.36.2").contains(&KUBE_PROXY_DAEMON_SET));
        assert!(of("v1.37.0").contains(&KUBE_PROXY_DAEMON_SET));
        assert_eq!(of("v1.33.0").len(), 6);
    }
}
