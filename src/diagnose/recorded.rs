//! What real failures left (`tests/evidence`, whose README tells how) leads to their causes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::rule::Proof;
use super::*;

/// Name of the evidence, the rule that its first diagnosis comes from, and words of what that says.
const RECORDED: &[(&str, &str, &str)] = &[
    ("apiserver-admission-config-invalid", "AdmissionConfig", "did not find expected node content"),
    ("apiserver-admission-plugin", "AdmissionPlugin", "PodSecurityPolicy"),
    ("apiserver-audit-policy-invalid", "AuditPolicy", "Unsupported value: \"Everything\""),
    ("apiserver-authorization-mode", "ComponentRefuses", "\"Abac\" is not a valid mode"),
    ("apiserver-bind-address", "AddressNotHere", "10.99.99.99:6443"),
    ("apiserver-cipher", "CipherSuite", "TLS_MADE_UP"),
    ("apiserver-encryption-config", "EncryptionConfig", "base64"),
    ("apiserver-flag-gone", "UnknownFlag", "--insecure-port"),
    ("apiserver-flag-unknown", "UnknownFlag", "--audit-log-maxsiz"),
    ("apiserver-port-value", "BadFlag", "max-requests-inflight"),
    ("apiserver-service-range", "ServiceSubnet", "is not a valid cidr"),
    ("audit-policy-missing-ignored", "HostPath", "/etc/kubernetes/audit/policy.yaml"),
    ("audit-policy-not-mounted", "FileMissing", "/etc/fault/policy.yaml"),
    ("cgroup-v1-refused-ignored", "CgroupV1", "cgroup v1"),
    ("containerd-dies", "RuntimeDown", "containerd.sock"),
    ("controller-manager-flag-unknown", "UnknownFlag", "--nope"),
    ("controller-manager-unknown-controller", "ComponentRefuses", "bootstrapsignerz"),
    ("etcd-database-corrupt", "EtcdDataDamaged", "file size too small"),
    ("etcd-database-garbage", "EtcdDataDamaged", "invalid database"),
    ("etcd-disk-small-ignored", "DiskFull", "no space"),
    ("etcd-election-timeout", "EtcdUrls", "--election-timeout"),
    ("etcd-listens-elsewhere", "AddressNotHere", "10.99.99.99:2379"),
    ("etcd-name-not-in-cluster", "EtcdUrls", "couldn't find local name"),
    ("etcd-quota-tiny", "EtcdFull", "space"),
    ("etcd-wal-corrupt", "EtcdDataDamaged", "crc mismatch"),
    ("image-never-pulled", "ImagePull", "registry.k8s.io/kube-scheduler:v1.36.2"),
    ("image-of-another-architecture", "WrongArchitecture", "another kind of processor"),
    ("image-pull-check-ignored", "ImagePull", "registry.k8s.io/etcd:3.6.8-0"),
    ("image-without-program", "ProgramMissing", "kube-controller-manager"),
    ("kubelet-config-invalid", "KubeletConfig", "imageGCLowThresholdPercent"),
    ("kubelet-cpu-policy", "CpuManager", "reserved CPU"),
    ("kubelet-cpu-state", "KubeletState", "/var/lib/kubelet/cpu_manager_state"),
    ("kubelet-dies-at-once", "KubeletEnds", "exits as soon as it is started"),
    ("kubelet-flag-unknown-ignored", "KubeletFlag", "--nope"),
    ("kubelet-flag-value", "KubeletFlag", "max-pods"),
    ("kubelet-is-stopped", "KubeletStopped", "does not run"),
    ("kubelet-kernel-defaults", "KernelDefaults", "kernel setting"),
    ("kubelet-manifests-elsewhere", "KubeletIdle", "starts none"),
    ("kubelet-resolv-conf-missing", "ResolvConf", "/run/systemd/resolve/resolv.conf"),
    ("kubelet-runtime-elsewhere", "RuntimeDown", "/run/none.sock"),
    ("memory-limit-tiny", "OutOfMemory", "kube-apiserver"),
    ("oidc-ca-missing", "FileMissing", "/etc/kubernetes/pki/oidc-ca.crt"),
    ("patch-makes-invalid-pod", "BadManifest", "restartPolicy"),
    ("patch-needs-too-much", "PodTooLarge", "cpu"),
    ("patch-runs-as-nobody", "FileForbidden", "sa.key"),
    ("patch-volume-missing", "HostPath", "/var/lib/none"),
    ("port-10248-taken-late", "PortInUse", "10248"),
    ("port-10250-taken-late", "PortInUse", "10250"),
    ("port-10257-taken-late", "PortInUse", "10257"),
    ("port-10259-taken-late", "PortInUse", "10259"),
    ("port-2379-taken-late", "PortInUse", "2379"),
    ("port-6443-held-ignored", "PortInUse", "6443"),
    ("scheduler-config-invalid", "ComponentRefuses", "unknown field \"profilez\""),
    ("scheduler-flag-unknown", "UnknownFlag", "--nope"),
    ("swap-on-ignored", "SwapOn", "swap"),
    ("var-log-full", "DiskFull", "no space"),
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence").join(name)
}

#[test]
fn real_failures_lead_to_their_causes_and_end_the_wait() {
    let mut wrong = vec![];
    for (name, check, words) in RECORDED {
        let text = fs::read_to_string(file(&format!("{name}.json"))).unwrap();
        let evidence: Evidence = serde_json::from_str(&text).unwrap();
        let found = diagnose(&evidence, &Place::of_defaults(), None);
        let first = found.first().map(|d| (d.finding.check.as_str(), d.finding.what.as_str(), d.proof));
        let right = first
            .is_some_and(|(c, what, proof)| c == *check && what.contains(words) && proof > Proof::Possible);
        if !right {
            wrong.push(format!("{name}: {first:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_that_was_recorded_is_tested() {
    let there: BTreeSet<String> = fs::read_dir(file(""))
        .unwrap()
        .filter_map(|e| e.unwrap().file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    let tested: BTreeSet<String> = RECORDED.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(there, tested);
}
