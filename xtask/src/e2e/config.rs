//! The configuration that `init` gets.

use std::fs;

use crate::machine;

/// What a scenario adds to the documents: lines of YAML.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// To InitConfiguration.
    pub(crate) init: String,
    /// To ClusterConfiguration.
    pub(crate) cluster: String,
}

impl Config {
    /// With lines for ClusterConfiguration.
    pub(crate) fn cluster(lines: &str) -> Self {
        Self { cluster: lines.to_owned(), ..Self::default() }
    }

    /// With lines for InitConfiguration.
    pub(crate) fn init(lines: &str) -> Self {
        Self { init: lines.to_owned(), ..Self::default() }
    }

    /// The whole stream, for a cluster of `version`.
    pub(crate) fn text(&self, version: &str) -> String {
        let mut kubelet = String::new();
        if machine::is_v1() {
            // kubelet from 1.35 starts on cgroup v1 only when told to; no systemd here manages cgroups.
            kubelet.push_str("failCgroupV1: false\n");
        }
        kubelet.push_str("cgroupDriver: cgroupfs\n");
        if has_swap() {
            kubelet.push_str("failSwapOn: false\n");
        }
        let Self { init, cluster } = self;
        let (init, cluster) = (init.trim_end(), cluster.trim_end());
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n{init}\n---\n\
             apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: {version}\n{cluster}\n---\n\
             apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{kubelet}---\n\
             apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\
             # These limits are the whole machine's: in a network namespace they can't be set.\n\
             conntrack:\n  maxPerCore: 0\n  min: 0\n"
        )
    }
}

/// Whether this machine swaps.
pub(crate) fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|t| t.lines().count() > 1)
}
