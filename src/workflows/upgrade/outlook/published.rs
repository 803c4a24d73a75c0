//! Upgrades by kubeadm that failed, as their users published them: each is seen ahead here. Others are in
//! `tests/cli/upgrade_published.rs`, with a whole plan.

use super::tests::evidence;
use super::*;
use crate::config::v1beta4::Arg;
use crate::finding::Severity;

/// A failure, as far as a plan could have known of it.
struct Failure {
    /// Where it was published: repository and number of the issue.
    issue: &'static str,
    /// Versions before and after, of the same kind as then.
    from: &'static str,
    to: &'static str,
    /// The cluster's configuration.
    config: &'static str,
    /// What else was found.
    found: fn(&mut Evidence),
    /// The row that tells it, and how gravely.
    row: &'static str,
    severity: Severity,
    /// What is told.
    says: &'static str,
}

const FAILURE: Failure = Failure {
    issue: "",
    from: "v1.35.6",
    to: "v1.36.2",
    config: "",
    found: |_| {},
    row: "",
    severity: Severity::Error,
    says: "",
};

const FAILURES: &[Failure] = &[
    Failure {
        issue: "siderolabs/talos#13480",
        from: "v1.34.8",
        to: "v1.35.5",
        config: "apiServer: {extraArgs: [{name: feature-gates, value: UserNamespacesPodSecurityStandards=true}]}\n",
        row: "ComponentConfiguration",
        says: "UserNamespacesPodSecurityStandards",
        ..FAILURE
    },
    Failure {
        issue: "kubernetes/kubernetes#76329",
        from: "v1.34.8",
        to: "v1.35.5",
        config: "---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nfeatureGates: {UserNamespacesPodSecurityStandards: true}\n",
        row: "ComponentConfiguration",
        says: "KubeProxyConfiguration",
        ..FAILURE
    },
    Failure {
        issue: "kubernetes/kubeadm#3281",
        from: "v1.34.8",
        to: "v1.35.5",
        found: |e| {
            let flag = Arg { name: "pod-infra-container-image".into(), value: "pause:3.10".into() };
            e.kubelet_flags = vec![("/etc/default/kubelet", flag)];
        },
        row: "KubeletFlags",
        severity: Severity::Warning,
        says: "/etc/default/kubelet",
        ..FAILURE
    },
    Failure {
        issue: "kubernetes/kubeadm#3023",
        found: |e| (e.etcd_bytes, e.free_bytes) = (2 << 30, Some(1 << 30)),
        row: "BackupSpace",
        says: "are free for backups",
        ..FAILURE
    },
];

#[test]
fn published_failures_are_seen_ahead() {
    for failure in FAILURES {
        let mut evidence = evidence(failure.from, failure.to, failure.config);
        (failure.found)(&mut evidence);
        let findings = Outlook::of(&evidence, &[]).findings;
        let told = findings.iter().find(|f| f.check == failure.row && f.what.contains(failure.says));
        assert_eq!(told.map(|f| f.severity), Some(failure.severity), "{}: {findings:?}", failure.issue);
    }
}
