//! Pods that the user's patches spoil.

use super::fault::{Fault, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "memory-limit-tiny",
        "a patch limits kube-apiserver's memory so that the kernel kills it",
        |s| {
            let limit =
                "spec:\n  containers:\n  - name: kube-apiserver\n    resources: {limits: {memory: 48Mi}}\n";
            s.patch("kube-apiserver+strategic.yaml", limit)
        },
        &["kube-apiserver", "OOM|memory"],
        &["limit", "memory"],
    ),
    fault(
        "probe-patched-away",
        "a patch sends kubelet's startup probe to a port at which nobody answers",
        |s| {
            let probe = "spec:\n  containers:\n  - name: kube-apiserver\n    startupProbe: {httpGet: {port: 7777}, periodSeconds: 1, initialDelaySeconds: 0, failureThreshold: 2}\n";
            s.patch("kube-apiserver+strategic.yaml", probe)
        },
        &["kube-apiserver", "startup probe|probe", "7777"],
        &["startupProbe|patch"],
    ),
    fault(
        "patch-makes-invalid-pod",
        "a patch makes a Pod that kubelet refuses",
        |s| s.patch("kube-scheduler+merge.yaml", "spec:\n  restartPolicy: Sometimes\n"),
        &["kube-scheduler", "restartPolicy|Sometimes"],
        &["patch"],
    ),
    fault(
        "patch-runs-as-nobody",
        "a patch runs kube-apiserver as a user who may not read its keys",
        |s| {
            s.patch(
                "kube-apiserver+strategic.yaml",
                "spec:\n  securityContext: {runAsUser: 65534, runAsNonRoot: true}\n",
            )
        },
        &["kube-apiserver", "permission denied"],
        &["runAsUser|chown|chmod|readable"],
    ),
    fault(
        "patch-volume-missing",
        "a patch gives etcd a volume whose folder is not there",
        |s| {
            s.patch(
                "etcd+strategic.yaml",
                "spec:\n  volumes:\n  - name: extra\n    hostPath: {path: /var/lib/none, type: Directory}\n  containers:\n  - name: etcd\n    volumeMounts: [{name: extra, mountPath: /extra}]\n",
            )
        },
        &["etcd", "/var/lib/none", "not a directory|not there|does not exist|no such"],
        &["/var/lib/none|patch"],
    ),
    fault(
        "patch-needs-too-much",
        "a patch asks for more CPUs than this machine has",
        |s| {
            s.patch(
                "etcd+strategic.yaml",
                "spec:\n  containers:\n  - name: etcd\n    resources: {requests: {cpu: '64'}}\n",
            )
        },
        &["etcd", "OutOfcpu|cpu"],
        &["request", "cpu"],
    ),
];
