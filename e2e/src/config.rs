//! The configuration that `init` gets.

use std::fs;

use crate::machine;

/// What a scenario adds to the documents: lines of YAML.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// To InitConfiguration.
    pub(crate) init: String,
    /// To ClusterConfiguration.
    pub(crate) cluster: String,
    /// To KubeletConfiguration, in place of what this machine needs where both set a field.
    pub(crate) kubelet: String,
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
        let Self { init, cluster, kubelet } = self;
        let (init, cluster, kubelet) = (init.trim_end(), cluster.trim_end(), kubelet.trim_end());
        let needed = needed_of_kubelet();
        let needed = needed.lines().filter(|line| {
            let field = line.split(':').next().unwrap_or_default();
            !kubelet.lines().any(|l| l.split(':').next() == Some(field))
        });
        let kubelet = needed.chain([kubelet]).collect::<Vec<_>>().join("\n");
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n{init}\n---\n\
             apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: {version}\n{cluster}\n---\n\
             apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{kubelet}\n---\n\
             apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\
             # These limits are the whole machine's: in a network namespace they can't be set.\n\
             conntrack:\n  maxPerCore: 0\n  min: 0\n"
        )
    }
}

/// Without which kubelet does not start on this machine.
fn needed_of_kubelet() -> String {
    let mut lines = String::new();
    if machine::is_v1() {
        // kubelet from 1.35 starts on cgroup v1 only when told to; no systemd here manages cgroups.
        lines.push_str("failCgroupV1: false\n");
    }
    lines.push_str("cgroupDriver: cgroupfs\n");
    // A developer's disk may be fuller than kubelet's defaults (15 % free for images) allow.
    lines.push_str(
        "evictionHard: {memory.available: 50Mi, nodefs.available: '1%', imagefs.available: '1%'}\n",
    );
    if has_swap() {
        lines.push_str("failSwapOn: false\n");
    }
    // Nor is an image to be deleted for it.
    lines.push_str("imageGCHighThresholdPercent: 100\n");
    lines
}

/// Whether this machine swaps.
pub(crate) fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|t| t.lines().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_s_own_field_stands_once() {
        let config = Config { kubelet: "cgroupDriver: systemd\nmaxPods: 9\n".into(), ..Config::default() };
        let text = config.text("v1.36.2");
        assert_eq!(text.matches("cgroupDriver").count(), 1, "{text}");
        assert!(text.contains("cgroupDriver: systemd\nmaxPods: 9\n---\n"), "{text}");
    }
}
