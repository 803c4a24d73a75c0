//! Machines on which the upgrade would fail.

use super::{FAULT, Fault, SMALL_DISK};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "image-missing",
        before: "i=registry.k8s.io/kube-scheduler; ctr -n k8s.io images tag $i:TARGET e2e.local/kept:1 && ctr -n k8s.io images rm $i:TARGET",
        after: "ctr -n k8s.io images tag e2e.local/kept:1 registry.k8s.io/kube-scheduler:TARGET",
        within: 60,
        says: &["kube-scheduler:TARGET", "pull"],
        ..FAULT
    },
    Fault {
        name: "containerd-does-not-answer",
        before: "kill -STOP $(pidof containerd)",
        after: "kill -CONT $(pidof containerd)",
        within: 60,
        says: &["container runtime|containerd.sock"],
        ..FAULT
    },
    Fault {
        name: "kubelet-stopped",
        before: "systemctl stop kubelet",
        after: "systemctl start kubelet",
        says: &["kubelet does not run", "systemctl start kubelet"],
        ..FAULT
    },
    Fault {
        name: "manifest-missing",
        before: "mv /etc/kubernetes/manifests/kube-scheduler.yaml .",
        after: "mv kube-scheduler.yaml /etc/kubernetes/manifests/",
        says: &["kube-scheduler.yaml"],
        ..FAULT
    },
    Fault {
        name: "ca-replaced",
        before: "cp -a /etc/kubernetes/pki . && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout /etc/kubernetes/pki/ca.key -subj /CN=other -out /etc/kubernetes/pki/ca.crt; \
            for i in $(seq 60); do kubectl get nodes >/dev/null 2>&1 || break; sleep 1; done",
        after: "cp -a pki/ca.* /etc/kubernetes/pki/",
        // The API server has read the file again, and refuses everybody: the checks are not reached.
        code: 1,
        says: &["not signed by the CA", "certs inspect"],
        ..FAULT
    },
    Fault {
        name: "no-space-for-backups",
        before: SMALL_DISK,
        after: "umount /etc/kubernetes/tmp",
        says: &["MiB are free for backups", "fix: free some space"],
        ..FAULT
    },
];
