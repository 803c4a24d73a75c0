//! What is wrong with the machine itself or its runtime, whoever stumbles over it.

use super::{ALL, rule};
use crate::diagnose::look::Look;
use crate::diagnose::rule::{Rule, Source};

const FULL: [&str; 3] = [
    "there is no space left on this machine: {component} could not write",
    "a file system is full, or out of inodes",
    "make room (`df -h`, `df -i`; `crictl rmi --prune`, `journalctl --vacuum-size=200M`), then run again",
];
const READ_ONLY: [&str; 3] = [
    "a file system is read-only: {component} could not write",
    "it is mounted so, or the kernel made it so after an error (`dmesg | grep -i remount`)",
    "`mount -o remount,rw` it, after a check of the disk if the kernel complained",
];
const RUNTIME_DOWN: [&str; 3] = [
    "the container runtime does not answer at {socket}",
    "it is stopped, or died: no Pod can start without it",
    "`systemctl restart {runtime}`, and `journalctl -u {runtime} -n 50` for why it ended",
];
const RUNTIME_ELSEWHERE: [&str; 3] = [
    "kubelet finds no container runtime at {path}",
    "the runtime is stopped, or a flag of kubelet or its containerRuntimeEndpoint names another socket than the runtime's ({socket})",
    "`systemctl restart {runtime}`; and if kubelet names another socket, correct its container-runtime-endpoint (/etc/default/kubelet, nodeRegistration.kubeletExtraArgs), then run again",
];
const NO_CRI: [&str; 3] = [
    "the container runtime at {socket} does not speak CRI v1",
    "its CRI plugin is turned off, or it is too old",
    "take `cri` out of `disabled_plugins` in /etc/containerd/config.toml, then `systemctl restart containerd`",
];

pub(super) const RULES: &[Rule] = &[
    rule("DiskFull", Source::Node, r"no space left on device|disk quota exceeded", FULL)
        .persisting()
        .look(Look::Disks),
    rule("DiskFull", Source::Ended(ALL), r"no space left on device|disk quota exceeded", FULL)
        .look(Look::Disks),
    rule("ReadOnly", Source::Node, r"read-only file system", READ_ONLY).persisting(),
    rule("ReadOnly", Source::Ended(ALL), r"read-only file system", READ_ONLY),
    rule(
        "DiskPressure",
        Source::Node,
        r#"Eviction manager: attempting to reclaim" resourceName="(?<resource>ephemeral-storage|inodes)""#,
        [
            "kubelet is evicting Pods: {resource} is below its threshold",
            "on a disk that is nearly full (evictionHard: nodefs.available 10%, imagefs.available 15%) kubelet deletes images and starts only the most important Pods",
            "make room, or lower `evictionHard` in a KubeletConfiguration; then run again",
        ],
    )
    .possible()
    .look(Look::Disks),
    rule(
        "MemoryPressure",
        Source::Node,
        r#"Eviction manager: attempting to reclaim" resourceName="memory""#,
        [
            "kubelet is evicting Pods: memory is below its threshold",
            "less than evictionHard's memory.available (100Mi) is left",
            "stop what uses the memory, or give the machine more; then run again",
        ],
    )
    .possible()
    .look(Look::Memory),
    rule(
        "RuntimeNotCri",
        Source::Runtime,
        r"(?i)unknown service runtime\.v1\.RuntimeService|does not speak CRI",
        NO_CRI,
    )
    .persisting(),
    rule(
        "RuntimeNotCri",
        Source::Kubelet,
        r"unknown service runtime\.v1\.RuntimeService|CRI v1 runtime API is not implemented",
        NO_CRI,
    )
    .persisting(),
    rule("RuntimeDown", Source::Runtime, r".", RUNTIME_DOWN).persisting().look(Look::RuntimeLog),
    rule(
        "RuntimeDown",
        Source::Kubelet,
        r"(?:validate service connection|failed to create CRI runtime).*dial unix (?<path>[^\s:]+): connect: (?:no such file or directory|connection refused)",
        RUNTIME_ELSEWHERE,
    )
    .persisting()
    .look(Look::RuntimeLog),
    rule(
        "RuntimeDown",
        Source::Kubelet,
        r"(?:validate service connection|failed to create CRI runtime|connection error: desc = .transport: Error while dialing: dial unix).*(?:no such file or directory|connection refused|DeadlineExceeded|context deadline exceeded)",
        RUNTIME_DOWN,
    )
    .persisting()
    .look(Look::RuntimeLog),
];
