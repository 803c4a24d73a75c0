//! `ClusterConfiguration`: what is true of the whole cluster.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::EnvVar;
use serde::{Deserialize, Serialize};

use super::super::duration::GoDuration;
use super::{Arg, Etcd};

/// What is true of the whole cluster; stored in the `kubeadm-config` ConfigMap.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClusterConfiguration {
    /// Always [`super::API_VERSION`] once loaded.
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
