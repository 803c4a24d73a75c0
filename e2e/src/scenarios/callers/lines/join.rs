//! Lines on a machine that joins.

use super::Reads::{Code, Says};
use super::{Line, line, refused};

/// A worker, by its configuration.
pub(crate) const WORKER: &[Line] = &[
    line(
        "kinder",
        "kinder/ci/workflows/dryrun-tasks.yaml",
        "join {endpoint} --token {token} --discovery-token-ca-cert-hash {hash} --ignore-preflight-errors=Swap,SystemVerification --dry-run --v=6",
        Code,
    ),
    line(
        "TKE",
        "pkg/platform/provider/baremetal/phases/kubeadm/kubeadm.go",
        "join phase preflight --ignore-preflight-errors=ImagePull,Port-10250,FileContent--proc-sys-net-bridge-bridge-nf-call-iptables,DirAvailable--etc-kubernetes-manifests --config={join}",
        Code,
    ),
    line(
        "kubespray",
        "roles/kubernetes/kubeadm/tasks/main.yml",
        "join --config {join} --ignore-preflight-errors=DirAvailable--etc-kubernetes-manifests --skip-phases=",
        Says("This node has joined the cluster"),
    ),
    refused(
        "Cluster API",
        "bootstrap/kubeadm/pkg/cloudinit/cloudinit.go",
        "join --config {join} --v 5",
        Says("FileAvailable--etc-kubernetes-kubelet.conf"),
    ),
    refused(
        "kind",
        "pkg/cluster/internal/create/actions/kubeadmjoin/join.go",
        "join --config {join} --v=6",
        Says("Port-10250"),
    ),
    refused("kubeone", "pkg/templates/kubeadm/kubeadm.go", "upgrade node", Code),
    line("provider-kubeadm", "scripts/kube-reconfigure.sh", "upgrade node phase kubelet-config", Code),
    line(
        "kinder",
        "kinder/ci/workflows/dryrun-tasks.yaml",
        "reset --force=true --ignore-preflight-errors=Swap,SystemVerification --dry-run --v=6",
        Code,
    ),
    line("sealer", "pkg/runtime/kubernetes/utils.go", "reset -f -v 0", Code),
];

/// A worker, by flags.
pub(crate) const WORKER_FLAGS: &[Line] = &[
    refused(
        "puppet",
        "lib/puppet/parser/functions/kubeadm_join_flags.rb",
        "join {endpoint} --feature-gates X=true --token {token}",
        Code,
    ),
    line(
        "kubevirtci",
        "cluster-provision/gocli/opts/nodes/nodes.go",
        "join --token {token} {endpoint} --ignore-preflight-errors=all --discovery-token-unsafe-skip-ca-verification=true",
        Code,
    ),
    line("kainstall", "kainstall-ubuntu.sh", "reset -f --cri-socket {socket}", Code),
];

/// A worker, by more flags.
pub(crate) const WORKER_AGAIN: &[Line] = &[
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "join {endpoint} --token {token} --discovery-token-ca-cert-hash {hash} --ignore-preflight-errors=all --cri-socket {socket} --node-name={name}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "reset --cri-socket {socket} --force",
        Code,
    ),
];

/// A control plane, in one.
pub(crate) const CONTROL_PLANE: &[Line] = &[
    line(
        "kubeone",
        "pkg/scripts/kubeadm.go",
        "--v=6 join --config={control-plane}",
        Says("This node has joined the cluster and a new control plane instance was created"),
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-secondary.yml",
        "reset -f --cert-dir /etc/kubernetes/pki",
        Code,
    ),
];

/// A control plane, phase by phase.
pub(crate) const CONTROL_PLANE_PHASES: &[Line] = &[
    line(
        "kubespray",
        "roles/kubernetes/kubeadm/tasks/kubeadm_etcd_node.yml",
        "join phase control-plane-prepare download-certs --config {control-plane}",
        Code,
    ),
    line(
        "kubespray",
        "roles/kubernetes/kubeadm/tasks/kubeadm_etcd_node.yml",
        "join phase control-plane-prepare certs --config {control-plane}",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-join.go",
        "join phase preflight --config={control-plane} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-join.go",
        "join phase control-plane-prepare all --config={control-plane} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-join.go",
        "join phase kubelet-start --config={control-plane} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-join.go",
        "join phase etcd-join --config={control-plane} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-join.go",
        "join phase kubelet-wait-bootstrap --config={control-plane} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-join.go",
        "join phase control-plane-join all --config={control-plane} --v=6",
        Code,
    ),
    line("kubevirtci", "cluster-provision/k8s/1.36/k8s_provision.sh", "reset --force", Code),
];
