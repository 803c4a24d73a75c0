//! What only shows when the new static Pods start: the node is put back.

use super::{FAULT, Fault, SMALL_DISK, UNDONE, UNKNOWN_FLAG, UNSEEN};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "unknown-flag-at-start",
        patch: UNKNOWN_FLAG,
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["no-such-flag", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "audit-policy-not-mounted",
        patch: (
            "kube-apiserver+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--audit-policy-file=/nowhere/policy.yaml'}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["/nowhere/policy.yaml", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "etcd-does-not-start",
        patch: (
            "etcd+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--quota-backend-bytes=many'}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["quota-backend-bytes", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "image-of-a-patch-missing",
        patch: (
            "kube-scheduler.yaml",
            "spec: {containers: [{name: kube-scheduler, image: 'registry.k8s.io/none:1'}]}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["registry.k8s.io/none:1", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "port-that-a-patch-breaks",
        patch: (
            "kube-controller-manager+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--secure-port=6443'}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["6443", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "disk-full-in-the-middle",
        before: SMALL_DISK,
        after: "umount /etc/kubernetes/tmp",
        command: UNSEEN,
        code: 1,
        within: UNDONE,
        says: &["no space left", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "kubelet-stopped-in-the-middle",
        before: "cp -a /etc/kubernetes/manifests/kube-apiserver.yaml old.yaml
            (while cmp -s old.yaml /etc/kubernetes/manifests/kube-apiserver.yaml; do sleep 0.1; done
            sleep 1; systemctl stop kubelet) >stop.log 2>&1 &",
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["kubelet", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "folder-of-a-patch-missing",
        patch: (
            "kube-scheduler.yaml",
            "spec:\n  volumes: [{name: extra, hostPath: {path: /var/lib/none, type: Directory}}]\n  containers:\n  - {name: kube-scheduler, volumeMounts: [{name: extra, mountPath: /extra}]}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["/var/lib/none", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "program-not-in-the-image",
        patch: (
            "kube-scheduler+json.yaml",
            "- {op: replace, path: /spec/containers/0/command/0, value: no-such-program}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["no-such-program", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "too-little-memory",
        patch: (
            "kube-apiserver.yaml",
            "spec: {containers: [{name: kube-apiserver, resources: {limits: {memory: 48Mi}}}]}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["memory", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "key-that-may-not-be-read",
        patch: (
            "kube-controller-manager.yaml",
            "spec: {securityContext: {runAsUser: 65534, runAsNonRoot: true}}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["permission denied", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "api-server-that-is-killed-later",
        patch: (
            "kube-apiserver+json.yaml",
            "- {op: replace, path: /spec/containers/0/livenessProbe/httpGet/path, value: /nowhere}\n\
             - {op: replace, path: /spec/containers/0/livenessProbe/periodSeconds, value: 1}\n\
             - {op: replace, path: /spec/containers/0/livenessProbe/failureThreshold, value: 3}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: 3 * UNDONE,
        // As soon as it serves: kubelet's probe is asked before kubelet asks it.
        says: &["/nowhere", "and healthy"],
        ..FAULT
    },
];
