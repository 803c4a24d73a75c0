//! A cluster that was found, and lacks what a new node needs.

use std::time::Duration;

use super::fault::{FAULT, Fault, config_map, without};

/// How long kube-controller-manager may take to lead again.
const FAILOVER: Duration = Duration::from_secs(20);

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "no-kubeadm-config",
        objects: &[without("kube-system", "configmap", "kubeadm-config")],
        says: &["kubeadm-config", "upload-config"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-of-a-newer-kubeadm",
        objects: &[config_map("kubeadm-config", &[("kubeadm.k8s.io/v1beta4", "kubeadm.k8s.io/v1beta9")])],
        says: &["kubeadm-config is of kubeadm.k8s.io/v1beta9", "use that version, or a newer kubestrap"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-of-a-newer-kubernetes",
        objects: &[config_map("kubeadm-config", &[("kubernetesVersion: v1.36", "kubernetesVersion: v1.99")])],
        says: &["kubeadm-config", "v1.99"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-not-readable",
        objects: &[without("kube-system", "rolebinding", "kubeadm:nodes-kubeadm-config")],
        says: &[
            "may not read ConfigMap kube-system/kubeadm-config",
            "kubeadm:nodes-kubeadm-config",
            "upload-config all",
        ],
        ..FAULT
    },
    Fault {
        name: "no-kubelet-config",
        objects: &[without("kube-system", "configmap", "kubelet-config")],
        says: &["kubelet-config", "upload-config kubelet"],
        ..FAULT
    },
    Fault {
        name: "kubelet-config-not-readable",
        objects: &[without("kube-system", "rolebinding", "kubeadm:kubelet-config")],
        says: &[
            "may not read ConfigMap kube-system/kubelet-config",
            "kubeadm:kubelet-config",
            "upload-config all",
        ],
        ..FAULT
    },
    Fault {
        name: "kubelet-config-wrong",
        objects: &[config_map("kubelet-config", &[("memory.available: 50Mi", "memory.available: nonsense")])],
        code: 3,
        says: &["memory.available", "nonsense"],
        ..FAULT
    },
    Fault {
        name: "certificates-gone",
        objects: &[without("kube-system", "secret", "kubeadm-certs")],
        control_plane: true,
        says: &["kubeadm-certs was not found", "two hours", "upload-certs"],
        ..FAULT
    },
    Fault {
        name: "wrong-key",
        words: &[("KEY", "abababababababababababababababababababababababababababababababab")],
        control_plane: true,
        says: &["wrong key", "upload-certs"],
        ..FAULT
    },
    Fault {
        name: "no-certificates",
        words: &[("--certificate-key KEY", "")],
        control_plane: true,
        code: 3,
        says: &["certificates that control-plane nodes share are missing", "--certificate-key"],
        ..FAULT
    },
    Fault {
        name: "no-stable-endpoint",
        objects: &[config_map("kubeadm-config", &[(r"controlPlaneEndpoint: 10.88.0.2:6443\n", "")])],
        control_plane: true,
        code: 3,
        says: &["no stable controlPlaneEndpoint", "set `controlPlaneEndpoint`"],
        ..FAULT
    },
    Fault {
        name: "unknown-flag-of-the-api-server",
        objects: &[config_map(
            "kubeadm-config",
            &[("apiServer: {}", r"apiServer:\n  extraArgs:\n  - name: no-such-flag\n    value: x")],
        )],
        control_plane: true,
        code: 3,
        says: &["no-such-flag"],
        ..FAULT
    },
    Fault {
        name: "external-etcd-out-of-reach",
        objects: &[config_map(
            "kubeadm-config",
            &[(
                r"etcd:\n  local:\n    dataDir: /var/lib/etcd\n",
                r"etcd:\n  external:\n    endpoints:\n    - https://10.88.0.2:9999\n    caFile: /etc/kubernetes/pki/etcd/ca.crt\n    certFile: /etc/kubernetes/pki/apiserver-etcd-client.crt\n    keyFile: /etc/kubernetes/pki/apiserver-etcd-client.key\n",
            )],
        )],
        cluster: "mkdir -p /e2e/logs/e2e-1/pki; cp -a /etc/kubernetes/pki/. /e2e/logs/e2e-1/pki/",
        machine: "mkdir -p /etc/kubernetes; cp -a /e2e/logs/pki /etc/kubernetes/; rm /etc/kubernetes/pki/apiserver.*",
        fix: "rm -rf /e2e/logs/pki",
        words: &[("--certificate-key KEY", "")],
        control_plane: true,
        code: 3,
        says: &["ExternalEtcdVersion", "the external etcd at https://10.88.0.2:9999 can't be reached"],
        ..FAULT
    },
    Fault {
        name: "external-etcd-without-certificates",
        objects: &[config_map(
            "kubeadm-config",
            &[(
                r"etcd:\n  local:\n    dataDir: /var/lib/etcd\n",
                r"etcd:\n  external:\n    endpoints:\n    - https://10.88.0.2:2379\n    caFile: /etc/etcd/ca.crt\n    certFile: /etc/etcd/client.crt\n    keyFile: /etc/etcd/client.key\n",
            )],
        )],
        control_plane: true,
        says: &["external", "etcd", "fix: "],
        ..FAULT
    },
    Fault {
        name: "name-taken",
        words: &[("", "--node-name e2e-node")],
        code: 3,
        says: &["a Node with name \"e2e-node\"", "another machine", "kubectl delete node"],
        ..FAULT
    },
    Fault {
        name: "requests-not-allowed",
        objects: &[without("", "clusterrolebinding", "kubeadm:kubelet-bootstrap")],
        code: 4,
        says: &[
            "kubelet may not request its client certificate",
            "kubeadm:kubelet-bootstrap",
            "token create",
        ],
        ..FAULT
    },
    Fault {
        name: "nobody-approves",
        objects: &[without("", "clusterrolebinding", "kubeadm:node-autoapprove-bootstrap")],
        code: 4,
        may_pass: FAILOVER,
        says: &["nobody approves CertificateSigningRequest", "kubectl certificate approve"],
        ..FAULT
    },
    Fault {
        name: "request-denied",
        objects: &[without("", "clusterrolebinding", "kubeadm:node-autoapprove-bootstrap")],
        cluster: "setsid sh -c 'for i in $(seq 60); do kubectl --kubeconfig /etc/kubernetes/admin.conf get csr -o name | xargs -r kubectl --kubeconfig /etc/kubernetes/admin.conf certificate deny; sleep 0.5; done' >/dev/null 2>&1 & echo $! > /e2e/logs/pid",
        mend_cluster: "kill $(cat /e2e/logs/pid) || true; k delete csr --all",
        code: 4,
        says: &["was denied", "kubectl describe csr"],
        ..FAULT
    },
    // The last one: kube-controller-manager takes a while to lead again.
    Fault {
        name: "controller-manager-gone",
        cluster: "mv /etc/kubernetes/manifests/kube-controller-manager.yaml /e2e/logs/\n\
            for i in $(seq 300); do curl -sk https://127.0.0.1:10257/healthz >/dev/null || break; sleep 0.1; done",
        mend_cluster: "mv /e2e/logs/kube-controller-manager.yaml /etc/kubernetes/manifests/",
        code: 4,
        may_pass: FAILOVER,
        says: &["nobody approves CertificateSigningRequest", "kube-controller-manager"],
        ..FAULT
    },
];
