//! Lines that make a control plane, and take it away again.

use super::Reads::{After, Code, Says};
use super::{Line, line, refused};

/// Phase by phase, as kinder, minikube, kubeone and TKE do.
pub(crate) const BY_PHASES: &[Line] = &[
    line(
        "image-builder",
        ".github/workflows/build-azure-sig.yaml",
        "init --dry-run --kubernetes-version {version} --ignore-preflight-errors=SystemVerification",
        Code,
    ),
    line(
        "kinder",
        "kinder/ci/workflows/dryrun-tasks.yaml",
        "init --ignore-preflight-errors=Swap,SystemVerification,FileContent--proc-sys-net-bridge-bridge-nf-call-iptables --kubernetes-version={version} --dry-run --v=6",
        Code,
    ),
    line(
        "puppet",
        "lib/puppet/parser/functions/kubeadm_init_flags.rb",
        "init --apiserver-advertise-address {address} --apiserver-bind-port 6443 --apiserver-cert-extra-sans a.test,b.test --cert-dir /etc/kubernetes/pki --cri-socket {socket} --dry-run --ignore-preflight-errors=SystemVerification,Swap --kubernetes-version {version} --node-name {name} --pod-network-cidr 10.244.0.0/16 --service-cidr 10.96.0.0/12 --service-dns-domain cluster.local --skip-token-print --token {token} --token-ttl 1h --skip-phases addon/kube-proxy",
        Code,
    ),
    line(
        "kubeone",
        "pkg/tasks/prerequisites.go",
        "init phase preflight --ignore-preflight-errors=DirAvailable--var-lib-etcd,FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml,ImagePull --config={config}",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-init.go",
        "init phase preflight --config={config} --v=6",
        Code,
    ),
    line("kinder", "kinder/ci/workflows/super-admin-tasks.yaml", "init phase certs ca", Code),
    line("kinder", "kinder/ci/workflows/super-admin-tasks.yaml", "init phase kubeconfig admin", Code),
    line("kinder", "kinder/ci/workflows/super-admin-tasks.yaml", "init phase kubeconfig super-admin", Code),
    line(
        "kinder",
        "kinder/ci/workflows/super-admin-tasks.yaml",
        "init phase certs apiserver-kubelet-client",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/external-ca.go",
        "init phase certs all --control-plane-endpoint={endpoint} --apiserver-cert-extra-sans=localhost --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/external-ca.go",
        "init phase kubeconfig kubelet --control-plane-endpoint={endpoint} --apiserver-advertise-address={address} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/external-ca.go",
        "init phase kubeconfig all --control-plane-endpoint={endpoint} --v=6",
        Code,
    ),
    line("provider-kubeadm", "scripts/kube-reset.sh", "reset -f --cleanup-tmp-dir", Code),
    line("kubeone", "pkg/scripts/kubeadm.go", "--v=6 init phase certs all --config={config}", Code),
    line(
        "kind",
        "images/base/files/usr/local/bin/entrypoint",
        "init phase certs apiserver --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase certs all --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase kubeconfig all --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase kubelet-start --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase control-plane all --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase etcd local --config {config}",
        Code,
    ),
    refused("playbooks", "a flag of no use", "init phase wait-control-plane --config {config}", Code),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-init.go",
        "init phase upload-config all --config={config} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-init.go",
        "init phase upload-certs --upload-certs --config={config} --v=6",
        After("Using certificate key:"),
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-init.go",
        "init phase mark-control-plane --config={config} --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-init.go",
        "init phase bootstrap-token --config={config} --v=6",
        Code,
    ),
    line(
        "playbooks",
        "kubelet's rotated certificate",
        "init phase kubelet-finalize all --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase addon coredns --config {config}",
        Code,
    ),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "init phase addon all --config {config}",
        Code,
    ),
    refused("playbooks", "a flag of no use", "init phase show-join-command --config {config}", Code),
    line(
        "minikube",
        "pkg/minikube/bootstrapper/kubeadm/kubeadm.go",
        "reset --cri-socket {socket} --force",
        Code,
    ),
];

/// sealos' `init`, which prints no join command.
pub(crate) const BY_SEALOS: &[Line] = &[
    line(
        "sealos",
        "lifecycle/pkg/runtime/kubernetes/commands.go",
        "init --config={config} --skip-certificate-key-print --skip-token-print -v 0 --ignore-preflight-errors=SystemVerification",
        Says("initialized successfully"),
    ),
    line("sealos", "lifecycle/pkg/runtime/kubernetes/reset.go", "reset -f -v 0", Code),
];

/// kind's and Cluster API's `init`.
pub(crate) const KIND: &[Line] = &[
    line(
        "kind",
        "pkg/cluster/internal/create/actions/kubeadminit/init.go",
        "init --config={kind} --skip-token-print --v=6",
        Says("initialized successfully"),
    ),
    line("kind", "its users", "reset -f --skip-phases=preflight", Code),
    line(
        "Cluster API",
        "bootstrap/kubeadm/pkg/cloudinit/controlplane_init.go",
        "init --config {cluster-api} -v 5",
        Says("--control-plane"),
    ),
    line("kubekey", "builtin/core/roles/uninstall/kubernetes/tasks/kubernetes.yaml", "reset -f", Code),
    line(
        "kubekey",
        "builtin/core/roles/uninstall/kubernetes/tasks/kubernetes.yaml",
        "reset -f --skip-phases remove-etcd-member",
        Code,
    ),
];

/// kubespray's `init`: its empty lists are given, too.
pub(crate) const KUBESPRAY: &[Line] = &[line(
    "kubespray",
    "roles/kubernetes/control-plane/tasks/kubeadm-setup.yml",
    "init --config={config} --ignore-preflight-errors= --skip-phases= --upload-certs",
    Says("--certificate-key 2e3c4239bc78c27f40530ddc2df7049a2c5ff146e5a702e9c9b6cdbec70df9f3"),
)];

/// `init` where a control plane stands already: tools look at the names of the checks.
pub(crate) const ON_A_CLUSTER: &[Line] = &[
    refused(
        "Cluster API",
        "bootstrap/kubeadm/pkg/cloudinit/controlplane_init.go",
        "init --config {config} --v 5",
        Says("FileAvailable--etc-kubernetes-manifests-etcd.yaml"),
    ),
    refused(
        "kubevirtci",
        "cluster-provision/gocli/opts/node01/node01.go",
        "init --config {config} -v5",
        Says("Port-6443"),
    ),
    refused(
        "geerlingguy.kubernetes",
        "tasks/control-plane-setup.yml",
        "init --config {config}",
        Says("DirAvailable--var-lib-etcd"),
    ),
];

/// Dry runs of `reset`.
pub(crate) const RESET_DRY: &[Line] = &[
    line(
        "kinder",
        "kinder/ci/workflows/dryrun-tasks.yaml",
        "reset --force=true --ignore-preflight-errors=Swap,SystemVerification --dry-run --v=6",
        Code,
    ),
    line("playbooks", "one phase", "reset phase preflight --force", Code),
];

/// The end of a control plane.
pub(crate) const RESET: &[Line] = &[
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-secondary.yml",
        "reset -f --cert-dir /etc/kubernetes/pki",
        Code,
    ),
    line("kubeone", "pkg/scripts/kubeadm.go", "--v=6 reset --force", Code),
    line("kubevirtci", "cluster-provision/k8s/1.36/k8s_provision.sh", "reset --force", Code),
    line(
        "provider-kubeadm",
        "scripts/kube-reset.sh",
        "reset -f --cri-socket {socket} --cleanup-tmp-dir",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-reset.go",
        "reset --v=6 --config {documents}",
        Code,
    ),
];
