//! What Kubernetes needs of the kernel: kubeadm's rules as data.

use crate::host::system::KernelConfig;

/// Kernel versions that are known to work: these long-term ones, and all from 6 on.
const LONG_TERM: [(u64, u64); 3] = [(5, 4), (5, 10), (5, 15)];

/// With which cgroup version an option is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    Any,
    V1,
    V2,
}

/// An option that must be built in or a module, under any of its names.
#[derive(Debug)]
pub(crate) struct KernelOption {
    pub(crate) names: &'static [&'static str],
    pub(crate) with: With,
}

const fn option(with: With, names: &'static [&'static str]) -> KernelOption {
    KernelOption { names, with }
}

/// Options that are needed.
pub(crate) static OPTIONS: &[KernelOption] = &[
    option(With::Any, &["NAMESPACES"]),
    option(With::Any, &["NET_NS"]),
    option(With::Any, &["PID_NS"]),
    option(With::Any, &["IPC_NS"]),
    option(With::Any, &["UTS_NS"]),
    option(With::Any, &["CPUSETS"]),
    option(With::Any, &["MEMCG"]),
    option(With::Any, &["INET"]),
    option(With::Any, &["EXT4_FS"]),
    option(With::Any, &["PROC_FS"]),
    option(With::Any, &["NETFILTER_XT_TARGET_REDIRECT", "IP_NF_TARGET_REDIRECT"]),
    option(With::Any, &["NETFILTER_XT_MATCH_COMMENT"]),
    option(With::Any, &["FAIR_GROUP_SCHED"]),
    option(With::Any, &["CGROUPS"]),
    option(With::V1, &["CGROUP_CPUACCT"]),
    option(With::V1, &["CGROUP_DEVICE"]),
    option(With::V1, &["CGROUP_FREEZER"]),
    option(With::Any, &["CGROUP_PIDS"]),
    option(With::Any, &["CGROUP_SCHED"]),
    option(With::V2, &["CGROUP_BPF"]),
];

/// Whether a release such as `5.15.0-91-generic` is of a version that is known to work.
pub(crate) fn is_known(release: &str) -> bool {
    let mut numbers = release.split(['.', '-', '+']).map(|n| n.parse::<u64>().unwrap_or_default());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    version.0 >= 6 || LONG_TERM.contains(&version)
}

/// The needed options that a kernel lacks, by their first names.
pub(crate) fn missing(config: &KernelConfig, cgroup_version: u8) -> Vec<&'static str> {
    let applies = |o: &&KernelOption| match o.with {
        With::Any => true,
        With::V1 => cgroup_version != 2,
        With::V2 => cgroup_version == 2,
    };
    let has = |name: &&str| config.options.get(*name).is_some_and(|v| v == "y" || v == "m");
    let lacking = OPTIONS.iter().filter(applies).filter(|o| !o.names.iter().any(has));
    lacking.filter_map(|o| o.names.first().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        for known in ["6.12.48+deb13-amd64", "5.15.0-91-generic", "5.4.17-2136", "6.1", "10.0.1"] {
            assert!(is_known(known), "{known}");
        }
        for unknown in ["4.19.0-25-amd64", "5.14.0-427.el9", "3.10", "garbage"] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }
}
