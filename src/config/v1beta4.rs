//! `kubeadm.k8s.io/v1beta4`, the configuration API that kubeadm 1.31 and later read and write.
//!
//! The types are also what the rest of the program works with: v1beta3 is converted to them ([`super::v1beta3`]).
//! Serialising gives what kubeadm stores in the `kubeadm-config` ConfigMap: a field is left out when empty exactly
//! where its Go type says `omitempty`.

mod cluster;
mod etcd;
mod init;
mod join;
mod reset;
mod upgrade;

use k8s_openapi::api::core::v1::Taint;
use serde::{Deserialize, Serialize};

use super::duration::GoDuration;
pub(crate) use cluster::{
    ApiServer, ClusterConfiguration, ControlPlaneComponent, Dns, HostPathMount, Networking, Proxy,
};
pub(crate) use etcd::{Etcd, ExternalEtcd, LocalEtcd};
pub(crate) use init::{BootstrapToken, InitConfiguration};
pub(crate) use join::{
    BootstrapTokenDiscovery, Discovery, FileDiscovery, JoinConfiguration, JoinControlPlane,
};
pub(crate) use reset::ResetConfiguration;
pub(crate) use upgrade::UpgradeConfiguration;

/// The API group and version.
pub(crate) const API_VERSION: &str = "kubeadm.k8s.io/v1beta4";

/// How a node registers itself with the cluster.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeRegistrationOptions {
    /// The Node's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The runtime's CRI socket, `unix:///…`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cri_socket: String,
    /// Taints of the Node: none given is the control-plane taint, an empty list is none.
    pub taints: Option<Vec<Taint>>,
    /// Flags for kubelet beyond our own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kubelet_extra_args: Vec<Arg>,
    /// Preflight checks whose errors are warnings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_preflight_errors: Vec<String>,
    /// `Always`, `IfNotPresent` or `Never`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_pull_policy: String,
    /// Pull one image after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_serial: Option<bool>,
}

/// Where an API server listens.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ApiEndpoint {
    /// Its address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advertise_address: String,
    /// Its port.
    #[serde(skip_serializing_if = "is_zero")]
    pub bind_port: i32,
}

/// A folder with patches.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Patches {
    /// The folder.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub directory: String,
}

/// How long to wait for what.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Timeouts {
    /// For a control-plane component to become healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane_component_health_check: Option<GoDuration>,
    /// For kubelet to become healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubelet_health_check: Option<GoDuration>,
    /// For a request to the API server to succeed.
    #[serde(rename = "kubernetesAPICall", skip_serializing_if = "Option::is_none")]
    pub kubernetes_api_call: Option<GoDuration>,
    /// For a request to etcd to succeed.
    #[serde(rename = "etcdAPICall", skip_serializing_if = "Option::is_none")]
    pub etcd_api_call: Option<GoDuration>,
    /// For kubelet's TLS bootstrap.
    #[serde(rename = "tlsBootstrap", skip_serializing_if = "Option::is_none")]
    pub tls_bootstrap: Option<GoDuration>,
    /// For a joining node to find the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<GoDuration>,
    /// For a static Pod to follow its new manifest in an upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_manifests: Option<GoDuration>,
}

/// A flag: its name without dashes, and its value.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub(crate) struct Arg {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

fn is_zero(n: &i32) -> bool {
    *n == 0
}
