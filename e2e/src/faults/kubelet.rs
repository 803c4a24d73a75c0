//! kubelet: absent, unable to start, or told something that keeps it from its work.

use std::fs;

use super::fault::{Fault, fault};
use super::scene::{KUBELET_FLAGS, install, own, put, script};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "kubelet-missing",
        "kubelet is not installed",
        |s| s.remove_program("kubelet"),
        &["kubelet", "not installed"],
        &["install kubelet"],
    ),
    fault(
        "kubelet-broken",
        "kubelet's file is damaged",
        |s| install(s, "kubelet", &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]),
        &["kubelet can't be run", "damaged|another architecture"],
        &["reinstall kubelet"],
    ),
    fault(
        "kubelet-dies-at-once",
        "kubelet exits as soon as it is started: a library that it needs is too old",
        |s| {
            let text = "case \"$*\" in *--version*) echo Kubernetes v1.36.2;; *) echo \"kubelet: /lib/libc.so.6: version 'GLIBC_2.99' not found\" >&2; exit 1;; esac";
            script(s, "kubelet", text)
        },
        &["kubelet", "GLIBC_2.99"],
        &["kubelet", "install|journalctl"],
    ),
    fault(
        "kubelet-too-new",
        "kubelet is a minor ahead of the control plane",
        |s| script(s, "kubelet", "echo Kubernetes v1.37.0"),
        &["kubelet v1.37.0|kubelet 1.37", "newer"],
        &["install kubelet 1.36|--kubernetes-version"],
    ),
    fault(
        "kubelet-flag-unknown",
        "kubeletExtraArgs has a flag that kubelet does not know",
        |s| {
            s.kubelet_arg("pod-infra-container-imag", "x");
            Ok(())
        },
        &[
            "kubelet",
            "pod-infra-container-imag",
            "unknown|does not know|no version has it|did you mean|has no flag",
        ],
        &["kubeletExtraArgs"],
    ),
    fault(
        "kubelet-flag-gone",
        "a flag that kubelet no longer has stands in /etc/default/kubelet, from older days",
        |_| put(KUBELET_FLAGS, "KUBELET_EXTRA_ARGS=--network-plugin=cni\n"),
        &["kubelet", "network-plugin"],
        &["/etc/default/kubelet"],
    ),
    fault(
        "kubelet-flag-unknown-ignored",
        "the same, with the check of flags ignored",
        |s| {
            s.ignored.push("ExtraArgs");
            s.kubelet_arg("nope", "x");
            Ok(())
        },
        &["kubelet", "unknown flag", "nope"],
        &["kubeletExtraArgs"],
    ),
    fault(
        "kubelet-flag-value",
        "kubeletExtraArgs has a value that the flag does not take",
        |s| {
            s.ignored.push("ExtraArgs");
            s.kubelet_arg("max-pods", "many");
            Ok(())
        },
        &["kubelet", "max-pods", "many"],
        &["kubeletExtraArgs"],
    ),
    fault(
        "kubelet-config-invalid",
        "the KubeletConfiguration has a value that kubelet refuses",
        |s| {
            s.ignored.push("KubeletConfiguration");
            s.kubelet("imageGCHighThresholdPercent: 20\nimageGCLowThresholdPercent: 90\n");
            Ok(())
        },
        &["kubelet", "imageGCLowThresholdPercent|imageGCHighThresholdPercent"],
        &["KubeletConfiguration"],
    ),
    fault(
        "kubelet-feature-gate-unknown",
        "the KubeletConfiguration names a feature gate that there is not",
        |s| {
            s.kubelet("featureGates: {SidecarContainerz: true}");
            Ok(())
        },
        &["kubelet", "SidecarContainerz", "feature gate"],
        &["featureGates"],
    )
    // Kubernetes' own ends then; a fork may only warn.
    .ends(&[0, 3, 4]),
    fault(
        "kubelet-cpu-policy",
        "the KubeletConfiguration asks for the static CPU manager without reserving CPUs",
        |s| {
            s.kubelet("cpuManagerPolicy: static");
            Ok(())
        },
        &["kubelet", "cpu", "static|reserved"],
        &["reservedSystemCPUs|systemReserved|kubeReserved|cpuManagerPolicy"],
    ),
    fault(
        "kubelet-cpu-state",
        "kubelet's state of CPUs is that of another policy, from an earlier configuration",
        |_| {
            put(
                "/var/lib/kubelet/cpu_manager_state",
                "{\"policyName\":\"static\",\"defaultCpuSet\":\"0-1\",\"checksum\":14413152}",
            )
        },
        &["cpu_manager_state"],
        &["rm /var/lib/kubelet/cpu_manager_state"],
    ),
    fault(
        "kubelet-kernel-defaults",
        "protectKernelDefaults is on, and the kernel's settings are not what kubelet wants",
        |s| {
            fs::write("/proc/sys/vm/overcommit_memory", "0")?;
            s.kubelet("protectKernelDefaults: true");
            Ok(())
        },
        &[
            "kubelet",
            "vm/overcommit_memory|vm.overcommit_memory",
            "protectKernelDefaults|kernel flag|kernel setting",
        ],
        &["sysctl|protectKernelDefaults"],
    ),
    fault(
        "kubelet-resolv-conf-missing",
        "the KubeletConfiguration names a resolv.conf that is not there",
        |s| {
            s.kubelet("resolvConf: /run/systemd/resolve/resolv.conf");
            Ok(())
        },
        &["resolvConf", "/run/systemd/resolve/resolv.conf", "does not exist|no such file|missing"],
        &["resolvConf"],
    ),
    fault(
        "kubelet-label-forbidden",
        "kubeletExtraArgs give the node a label that kubelet may not give itself",
        |s| {
            s.kubelet_arg("node-labels", "node-role.kubernetes.io/master=");
            Ok(())
        },
        &["kubelet", "node-role.kubernetes.io/master", "label"],
        &["node-labels"],
    ),
    fault(
        "kubelet-name-overridden",
        "kubelet registers under another name than its certificate's",
        |_| {
            put(KUBELET_FLAGS, "KUBELET_EXTRA_ARGS=--hostname-override=other-name\n")?;
            Ok(())
        },
        &["hostname-override", "other-name"],
        &["nodeRegistration.name|--node-name|/etc/default/kubelet"],
    ),
    fault(
        "kubelet-does-not-register",
        "kubelet is told not to register its Node",
        |s| {
            s.kubelet_arg("register-node", "false");
            Ok(())
        },
        &["register-node|registerNode"],
        &["register-node|registerNode"],
    ),
    fault(
        "kubelet-manifests-elsewhere",
        "a flag of the package makes kubelet look for static Pods in another folder",
        |_| {
            fs::create_dir_all("/opt/manifests")?;
            put(KUBELET_FLAGS, "KUBELET_EXTRA_ARGS=--pod-manifest-path=/opt/manifests\n")?;
            Ok(())
        },
        &["pod-manifest-path|static Pod", "/opt/manifests"],
        &["/etc/default/kubelet"],
    ),
    fault(
        "kubelet-config-elsewhere",
        "a drop-in of the administrator starts kubelet with a configuration file of its own",
        |_| {
            let config = own(
                "kubelet.yaml",
                "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: cgroupfs\nfailCgroupV1: false\nauthentication: {anonymous: {enabled: false}, webhook: {enabled: false}}\nauthorization: {mode: AlwaysAllow}\n",
            )?;
            drop_in(&format!("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config={config}\n"))
        },
        &["kubelet", "--config|drop-in|90-site.conf", "/etc/fault/kubelet.yaml|/var/lib/kubelet/config.yaml"],
        &["90-site.conf|--config"],
    ),
    fault(
        "kubelet-runtime-elsewhere",
        "kubelet's flags send it to a runtime that is not there",
        |_| {
            put(KUBELET_FLAGS, "KUBELET_EXTRA_ARGS=--container-runtime-endpoint=unix:///run/none.sock\n")?;
            Ok(())
        },
        &["container-runtime-endpoint|kubelet", "/run/none.sock"],
        &["/etc/default/kubelet"],
    ),
    fault(
        "kubelet-conf-of-another-cluster",
        "the machine is a node of another cluster already",
        |s| {
            s.phase(&["certs", "ca"])?;
            s.phase(&["kubeconfig", "kubelet"])?;
            fs::remove_dir_all("/etc/kubernetes/pki")?;
            Ok(())
        },
        &["another cluster", "kubelet.conf"],
        &["kubestrap reset"],
    ),
    fault(
        "cgroup-v1-refused",
        "the machine has cgroup v1, and kubelet is not told to accept it",
        |s| {
            s.minded.push("SystemVerification");
            s.kubelet("failCgroupV1: true");
            Ok(())
        },
        &["cgroup v1", "refuses|failCgroupV1"],
        &["failCgroupV1: false", "systemd.unified_cgroup_hierarchy=1"],
    ),
    fault(
        "cgroup-v1-refused-ignored",
        "the same, with the check ignored: kubelet refuses to start",
        |s| {
            s.ignored.push("SystemVerification");
            s.kubelet("failCgroupV1: true");
            Ok(())
        },
        &["kubelet", "cgroup v1", "failCgroupV1|refuses|unsupported|not supported"],
        &["failCgroupV1: false"],
    ),
];

/// A drop-in of the administrator's for kubelet's unit.
fn drop_in(text: &str) -> anyhow::Result<()> {
    put("/etc/systemd/system/kubelet.service.d/90-site.conf", text)
}
