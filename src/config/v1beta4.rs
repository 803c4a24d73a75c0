//! `kubeadm.k8s.io/v1beta4`, the configuration API that kubeadm 1.31 and later read and write.
//!
//! The types are also what the rest of the program works with: v1beta3 is converted to them ([`super::v1beta3`]).
//! Serialising gives what kubeadm stores in the `kubeadm-config` ConfigMap: a field is left out when empty exactly
//! where its Go type says `omitempty`.

mod join;
mod reset;
mod upgrade;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, Taint};
use serde::{Deserialize, Serialize};

use super::duration::GoDuration;

pub(crate) use join::{
    BootstrapTokenDiscovery, Discovery, FileDiscovery, JoinConfiguration, JoinControlPlane,
};
pub(crate) use reset::ResetConfiguration;
pub(crate) use upgrade::UpgradeConfiguration;

/// The API group and version.
pub(crate) const API_VERSION: &str = "kubeadm.k8s.io/v1beta4";

/// What `init` is told about this node and this run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct InitConfiguration {
    /// Always [`API_VERSION`] once loaded.
    pub api_version: String,
    /// Always `InitConfiguration`.
    pub kind: String,
    /// Tokens with which nodes may join.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bootstrap_tokens: Vec<BootstrapToken>,
    /// As the flag `--dry-run`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// How the node registers itself.
    pub node_registration: NodeRegistrationOptions,
    /// Where this node's API server listens.
    #[serde(rename = "localAPIEndpoint")]
    pub local_api_endpoint: ApiEndpoint,
    /// Key that encrypts the certificates in the `kubeadm-certs` Secret, in hex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificate_key: String,
    /// Phases to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_phases: Vec<String>,
    /// Where patches for what we write lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patches: Option<Patches>,
    /// How long to wait for what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
}

/// What is true of the whole cluster; stored in the `kubeadm-config` ConfigMap.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClusterConfiguration {
    /// Always [`API_VERSION`] once loaded.
    pub api_version: String,
    /// Always `ClusterConfiguration`.
    pub kind: String,
    /// The etcd to use: a local static Pod or an external cluster.
    pub etcd: Etcd,
    /// Networks and the DNS domain.
    pub networking: Networking,
    /// The version of the control plane: `v1.36.2`, or a label such as `stable-1.36`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubernetes_version: String,
    /// Stable address of the control plane: `host` or `host:port`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub control_plane_endpoint: String,
    /// kube-apiserver.
    pub api_server: ApiServer,
    /// kube-controller-manager.
    pub controller_manager: ControlPlaneComponent,
    /// kube-scheduler.
    pub scheduler: ControlPlaneComponent,
    /// The CoreDNS addon.
    pub dns: Dns,
    /// The kube-proxy addon.
    pub proxy: Proxy,
    /// Where certificates and keys lie.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificates_dir: String,
    /// Where images come from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_repository: String,
    /// kubeadm's own feature gates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feature_gates: BTreeMap<String, bool>,
    /// The cluster's name in kubeconfigs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_name: String,
    /// Algorithm of every key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub encryption_algorithm: String,
    /// Life time of leaf certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_validity_period: Option<GoDuration>,
    /// Life time of CA certificates.
    #[serde(rename = "caCertificateValidityPeriod", skip_serializing_if = "Option::is_none")]
    pub ca_certificate_validity_period: Option<GoDuration>,
}

/// A token with which a node may join (`bootstrap.kubernetes.io/token`).
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct BootstrapToken {
    /// `abcdef.0123456789abcdef`: an id and a secret; one is made up where none is given.
    #[serde(deserialize_with = "not_empty")]
    pub token: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How long it lives; 0 is for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<GoDuration>,
    /// When it ends (RFC 3339), instead of `ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// What it may be used for: `signing`, `authentication`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<String>,
    /// Groups that who authenticates with it belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl std::fmt::Debug for BootstrapToken {
    /// Without the token: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BootstrapToken")
            .field("description", &self.description)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

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

/// What every control-plane component can be given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ControlPlaneComponent {
    /// Flags beyond or instead of our own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<Arg>,
    /// Volumes from the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_volumes: Vec<HostPathMount>,
    /// Environment variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_envs: Vec<EnvVar>,
}

/// kube-apiserver's settings. (Go embeds the common ones; serde's `flatten` would lose the field names that make
/// unknown fields known, so they are written out.)
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ApiServer {
    /// As [`ControlPlaneComponent::extra_args`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<Arg>,
    /// As [`ControlPlaneComponent::extra_volumes`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_volumes: Vec<HostPathMount>,
    /// As [`ControlPlaneComponent::extra_envs`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_envs: Vec<EnvVar>,
    /// Names and addresses that the serving certificate shall bear too.
    #[serde(rename = "certSANs", skip_serializing_if = "Vec::is_empty")]
    pub cert_sans: Vec<String>,
}

/// A volume from the host.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HostPathMount {
    /// The volume's name in the Pod.
    pub name: String,
    /// Path on the host.
    pub host_path: String,
    /// Path in the container.
    pub mount_path: String,
    /// Without write access.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// `HostPathVolumeSource.type`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path_type: String,
}

/// The etcd to use; exactly one of the two.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Etcd {
    /// A static Pod on this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalEtcd>,
    /// A cluster that somebody else runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalEtcd>,
}

/// etcd as a static Pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LocalEtcd {
    /// Instead of the cluster's image repository.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_repository: String,
    /// Instead of the tag that belongs to the Kubernetes version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_tag: String,
    /// Where the data lie.
    pub data_dir: String,
    /// Flags beyond or instead of our own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<Arg>,
    /// Environment variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_envs: Vec<EnvVar>,
    /// More SANs of the serving certificate.
    #[serde(rename = "serverCertSANs", skip_serializing_if = "Vec::is_empty")]
    pub server_cert_sans: Vec<String>,
    /// More SANs of the peer certificate.
    #[serde(rename = "peerCertSANs", skip_serializing_if = "Vec::is_empty")]
    pub peer_cert_sans: Vec<String>,
}

/// An etcd cluster that somebody else runs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ExternalEtcd {
    /// URLs of its members.
    pub endpoints: Vec<String>,
    /// URLs of its members for HTTP requests (since 1.35); the endpoints if none are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http_endpoints: Vec<String>,
    /// The CA of its serving certificates.
    pub ca_file: String,
    /// Our client certificate.
    pub cert_file: String,
    /// Its key.
    pub key_file: String,
}

/// Networks and the DNS domain.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Networking {
    /// CIDRs of Services, one for each family.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_subnet: String,
    /// CIDRs of Pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_subnet: String,
    /// DNS domain of Services.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dns_domain: String,
}

/// The CoreDNS addon.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Dns {
    /// Instead of the cluster's image repository.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_repository: String,
    /// Instead of the tag that belongs to the Kubernetes version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_tag: String,
    /// Do not install it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// The kube-proxy addon.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Proxy {
    /// Do not install it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// A text that, where it is given, has something in it.
fn not_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(serde::de::Error::custom("is empty")) } else { Ok(text) }
}

fn is_zero(n: &i32) -> bool {
    *n == 0
}
