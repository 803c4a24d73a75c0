//! Lines that upgrade: here to the version that the cluster has.

use super::Reads::{Code, Json, Lines, Says};
use super::{Line, line, refused};

pub(crate) const UPGRADE: &[Line] = &[
    line(
        "kainstall",
        "kainstall-ubuntu.sh",
        "upgrade plan --ignore-preflight-errors=CreateJob,ControlPlaneNodesReady",
        Lines("kubeadm upgrade apply "),
    ),
    line(
        "kinder",
        "kinder/ci/workflows/upgrade-no-addon-config-maps-tasks.yaml",
        "upgrade plan --ignore-preflight-errors=CoreDNSMigration,CoreDNSUnsupportedPlugins,CreateJob,ControlPlaneNodesReady --v=6 {version}",
        Code,
    ),
    line(
        "TKE",
        "pkg/platform/provider/baremetal/phases/kubeadm/kubeadm.go",
        "upgrade plan 1.36.2 --ignore-preflight-errors=CoreDNSUnsupportedPlugins,CoreDNSMigration,CreateJob,ControlPlaneNodesReady",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-upgrade.go",
        "upgrade plan --v=6 --config {documents}",
        Code,
    ),
    line(
        "kinder",
        "kinder/pkg/cluster/manager/actions/kubeadm-upgrade.go",
        "upgrade diff --v=6 --config {documents}",
        Code,
    ),
    line(
        "playbooks",
        "the plan is read",
        "upgrade plan {version} --ignore-preflight-errors=all -o json",
        Json,
    ),
    line(
        "kinder",
        "kinder/ci/workflows/dryrun-tasks.yaml",
        "upgrade apply -f {version} --ignore-preflight-errors=Swap,SystemVerification,CreateJob,ControlPlaneNodesReady --allow-release-candidate-upgrades=true --allow-experimental-upgrades=true --dry-run --v=6",
        Code,
    ),
    line(
        "kinder",
        "kinder/ci/workflows/dryrun-tasks.yaml",
        "upgrade node --ignore-preflight-errors=Swap,SystemVerification --dry-run --v=6",
        Code,
    ),
    line(
        "sealos",
        "lifecycle/pkg/runtime/kubernetes/upgrade.go",
        "upgrade apply {version} --certificate-renewal=false --yes --ignore-preflight-errors=SystemVerification,ControlPlaneNodesReady,CreateJob",
        Says("SUCCESS"),
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-upgrade.yml",
        "upgrade apply -y {version} --config={documents}",
        Says("SUCCESS"),
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-upgrade.yml",
        "init phase upload-config all --config {config}",
        Code,
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-upgrade.yml",
        "init phase addon kube-proxy --config {config}",
        Code,
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-upgrade.yml",
        "init phase etcd local --config {config}",
        Code,
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-upgrade.yml",
        "init phase control-plane all --config {config}",
        Code,
    ),
    line(
        "kubespray",
        "roles/kubernetes/control-plane/tasks/kubeadm-upgrade.yml",
        "upgrade node --config={documents}",
        Code,
    ),
    refused("kubeone", "pkg/templates/kubeadm/kubeadm.go", "upgrade node", Code),
    line(
        "sealos",
        "lifecycle/pkg/runtime/kubernetes/upgrade.go",
        "upgrade node --skip-phases preflight",
        Code,
    ),
    line(
        "sealos",
        "lifecycle/pkg/runtime/kubernetes/upgrade.go",
        "upgrade node --certificate-renewal=false --skip-phases preflight",
        Code,
    ),
    line("provider-kubeadm", "scripts/kube-reconfigure.sh", "upgrade node phase kubelet-config", Code),
    line(
        "provider-kubeadm",
        "scripts/kube-reconfigure.sh",
        "upgrade node phase kubelet-config --patches /etc/kubernetes/manifests",
        Code,
    ),
];
