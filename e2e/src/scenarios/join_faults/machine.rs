//! A machine that can't become a node as it is.

use super::fault::{FAULT, Fault};

/// A program that listens on a port of the machine, and ends it.
macro_rules! listening {
    ($port:literal) => {
        concat!(
            "setsid kubectl proxy --kubeconfig /e2e/logs/foreign.conf --address 0.0.0.0 --port ",
            $port,
            " >/dev/null 2>&1 & echo $! > /e2e/logs/pid; sleep 1"
        )
    };
}
const LISTEN_NO_MORE: &str = "kill $(cat /e2e/logs/pid)";
/// Another cluster's kubeconfig of kubelet.
const FOREIGN: &[(&str, &str)] = &[(
    "foreign.conf",
    "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: 'https://192.0.2.9:6443'}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: t}}]\n",
)];
/// A kubelet of which only its version is asked.
macro_rules! kubelet {
    ($version:literal) => {
        concat!("printf '#!/bin/sh\\necho Kubernetes ", $version, "\\n' > /e2e/logs/kubelet; chmod +x /e2e/logs/kubelet; mount --bind /e2e/logs/kubelet /e2e/bin/kubelet")
    };
}
const OWN_KUBELET: &str = "umount /e2e/bin/kubelet";
/// A folder with one patch, and the flag for it.
macro_rules! patch {
    ($name:literal, $text:literal) => {
        concat!(
            "rm -rf /var/patches; mkdir /var/patches; cat > /var/patches/",
            $name,
            " <<'END'\n",
            $text,
            "\nEND"
        )
    };
}
const PATCHES: &[(&str, &str)] = &[("", "--patches /var/patches")];

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "another-cluster-s-kubelet",
        files: FOREIGN,
        machine: "mkdir -p /etc/kubernetes && cp /e2e/logs/foreign.conf /etc/kubernetes/kubelet.conf",
        code: 3,
        says: &["a node of another cluster", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "no-kubeconfig",
        machine: "mkdir -p /etc/kubernetes && echo garbage > /etc/kubernetes/kubelet.conf",
        code: 3,
        says: &["is not a kubeconfig that `join` wrote", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "another-ca",
        machine: "mkdir -p /etc/kubernetes/pki && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout /dev/null -subj /CN=other -out /etc/kubernetes/pki/ca.crt",
        code: 3,
        says: &["is not the CA of the cluster to join", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "another-control-plane",
        machine: "kubestrap init phase certs all && kubestrap init phase kubeconfig all",
        words: &[("--certificate-key KEY", "")],
        control_plane: true,
        code: 3,
        says: &["another cluster", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "etcd-s-data-of-another-cluster",
        machine: "mkdir -p /var/lib/etcd/member/snap /var/lib/etcd/member/wal; echo x > /var/lib/etcd/member/snap/db",
        control_plane: true,
        code: 3,
        says: &["/var/lib/etcd", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "no-runtime-there",
        words: &[("", "--cri-socket unix:///run/none.sock")],
        code: 3,
        says: &["/run/none.sock", "--cri-socket"],
        ..FAULT
    },
    Fault {
        name: "runtime-hangs",
        machine: "kill -STOP $(pidof containerd)",
        fix: "kill -CONT $(pidof containerd)",
        code: 3,
        says: &["containerd.sock", "does not answer", "fix: "],
        ..FAULT
    },
    Fault {
        name: "kubelet-s-port-in-use",
        files: FOREIGN,
        machine: listening!("10250"),
        fix: LISTEN_NO_MORE,
        code: 3,
        says: &["10250", "kubectl"],
        ..FAULT
    },
    Fault {
        name: "etcd-s-port-in-use",
        files: FOREIGN,
        machine: listening!("2380"),
        fix: LISTEN_NO_MORE,
        control_plane: true,
        code: 3,
        says: &["2380", "kubectl"],
        ..FAULT
    },
    Fault {
        name: "api-server-s-port-in-use",
        files: FOREIGN,
        machine: listening!("6443"),
        fix: LISTEN_NO_MORE,
        control_plane: true,
        code: 3,
        says: &["6443", "kubectl"],
        ..FAULT
    },
    Fault {
        name: "kubelet-newer-than-the-api-server",
        machine: kubelet!("v1.38.0"),
        fix: OWN_KUBELET,
        code: 3,
        says: &["v1.38.0", "v1.36", "newer"],
        ..FAULT
    },
    Fault {
        name: "kubelet-too-old",
        machine: kubelet!("v1.30.0"),
        fix: OWN_KUBELET,
        code: 3,
        says: &["v1.30.0", "v1.36"],
        ..FAULT
    },
    Fault {
        name: "nothing-can-be-written",
        machine: "mkdir -p /etc/kubernetes && mount -t tmpfs -o ro none /etc/kubernetes",
        fix: "umount /etc/kubernetes",
        code: 3,
        says: &["/etc/kubernetes", "read-only"],
        ..FAULT
    },
    Fault {
        name: "disk-full",
        machine: "mkdir -p /etc/kubernetes && mount -t tmpfs -o size=4k none /etc/kubernetes && head -c 4096 /dev/zero > /etc/kubernetes/full",
        fix: "umount /etc/kubernetes",
        code: 3,
        says: &["/etc/kubernetes", "space"],
        ..FAULT
    },
    Fault {
        name: "image-missing",
        machine: "for i in $(ctr -n k8s.io images list -q | grep /etcd:); do ctr -n k8s.io images tag $i kept.invalid/$(basename $i); ctr -n k8s.io images rm $i; done",
        fix: "for i in $(ctr -n k8s.io images list -q | grep kept.invalid); do ctr -n k8s.io images tag $i registry.k8s.io/$(basename $i); done",
        control_plane: true,
        code: 3,
        says: &["registry.k8s.io/etcd", "fix: "],
        ..FAULT
    },
    Fault {
        name: "kubelet-s-flag-unknown",
        machine: "echo KUBELET_EXTRA_ARGS=--no-such-flag > /etc/default/kubelet",
        fix: "rm /etc/default/kubelet",
        code: 4,
        says: &["no-such-flag", "/etc/default/kubelet"],
        ..FAULT
    },
    Fault {
        name: "kubelet-crashes",
        machine: patch!(
            "kubeletconfiguration0+merge.yaml",
            "authentication: {x509: {clientCAFile: /nowhere/ca.crt}}"
        ),
        words: PATCHES,
        code: 4,
        says: &["/nowhere/ca.crt", "fix"],
        ..FAULT
    },
    Fault {
        name: "unknown-flag-of-etcd",
        machine: patch!(
            "etcd0+json.json",
            r#"[{"op": "add", "path": "/spec/containers/0/command/-", "value": "--no-such-flag=x"}]"#
        ),
        words: PATCHES,
        control_plane: true,
        code: 3,
        says: &["no-such-flag", "etcd"],
        ..FAULT
    },
    Fault {
        name: "etcd-listens-elsewhere",
        machine: patch!(
            "etcd0+json.json",
            r#"[{"op": "add", "path": "/spec/containers/0/command/-", "value": "--listen-peer-urls=https://10.99.9.9:2380"}]"#
        ),
        words: PATCHES,
        control_plane: true,
        code: 4,
        says: &["etcd", "10.99.9.9:2380", "fix"],
        ..FAULT
    },
    Fault {
        name: "etcd-s-disk-full",
        machine: "mkdir -p /var/lib/etcd && mount -t tmpfs -o size=1m none /var/lib/etcd",
        fix: "umount -l /var/lib/etcd",
        words: &[("", "--ignore-preflight-errors=DiskSpace")],
        control_plane: true,
        code: 4,
        says: &["etcd", "no space left", "fix"],
        ..FAULT
    },
    Fault {
        name: "api-server-can-not-start",
        machine: patch!(
            "kube-apiserver0+json.json",
            r#"[{"op": "add", "path": "/spec/containers/0/command/-", "value": "--admission-control-config-file=/nowhere.yaml"}]"#
        ),
        words: PATCHES,
        control_plane: true,
        code: 3,
        says: &["kube-apiserver", "/nowhere.yaml", "fix"],
        ..FAULT
    },
    Fault {
        name: "address-of-another-machine",
        words: &[("", "--apiserver-advertise-address 10.99.9.9")],
        control_plane: true,
        code: 3,
        says: &["10.99.9.9", "advertise"],
        ..FAULT
    },
];
