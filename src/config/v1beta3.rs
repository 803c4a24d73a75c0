//! `kubeadm.k8s.io/v1beta3`, read and converted to v1beta4 as kubeadm converts it; never written.

mod join;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Taint;
use serde::Deserialize;

use super::duration::GoDuration;
use super::v1beta4::{self as new, Arg, HostPathMount};

pub(crate) use join::JoinConfiguration;

/// The API group and version.
pub(crate) const API_VERSION: &str = "kubeadm.k8s.io/v1beta3";

/// `InitConfiguration` of v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct InitConfiguration {
    pub api_version: String,
    pub kind: String,
    pub bootstrap_tokens: Vec<new::BootstrapToken>,
    pub node_registration: NodeRegistrationOptions,
    #[serde(rename = "localAPIEndpoint")]
    pub local_api_endpoint: new::ApiEndpoint,
    pub certificate_key: String,
    pub skip_phases: Vec<String>,
    pub patches: Option<new::Patches>,
}

/// `NodeRegistrationOptions` of v1beta3: flags are a map.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct NodeRegistrationOptions {
    pub name: String,
    pub cri_socket: String,
    pub taints: Option<Vec<Taint>>,
    pub kubelet_extra_args: BTreeMap<String, String>,
    pub ignore_preflight_errors: Vec<String>,
    pub image_pull_policy: String,
}

/// `ClusterConfiguration` of v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct ClusterConfiguration {
    pub api_version: String,
    pub kind: String,
    pub etcd: Etcd,
    pub networking: new::Networking,
    pub kubernetes_version: String,
    pub control_plane_endpoint: String,
    pub api_server: ApiServer,
    pub controller_manager: ControlPlaneComponent,
    pub scheduler: ControlPlaneComponent,
    pub dns: Dns,
    pub certificates_dir: String,
    pub image_repository: String,
    pub feature_gates: BTreeMap<String, bool>,
    pub cluster_name: String,
}

/// The flags and volumes of a component in v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct ControlPlaneComponent {
    pub extra_args: BTreeMap<String, String>,
    pub extra_volumes: Vec<HostPathMount>,
}

/// kube-apiserver's settings in v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct ApiServer {
    pub extra_args: BTreeMap<String, String>,
    pub extra_volumes: Vec<HostPathMount>,
    #[serde(rename = "certSANs")]
    pub cert_sans: Vec<String>,
    /// Became `timeouts.controlPlaneComponentHealthCheck` of InitConfiguration.
    pub timeout_for_control_plane: Option<GoDuration>,
}

/// The CoreDNS addon in v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct Dns {
    pub image_repository: String,
    pub image_tag: String,
}

/// The etcd to use in v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct Etcd {
    pub local: Option<LocalEtcd>,
    pub external: Option<ExternalEtcd>,
}

/// etcd as a static Pod in v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct LocalEtcd {
    pub image_repository: String,
    pub image_tag: String,
    pub data_dir: String,
    pub extra_args: BTreeMap<String, String>,
    #[serde(rename = "serverCertSANs")]
    pub server_cert_sans: Vec<String>,
    #[serde(rename = "peerCertSANs")]
    pub peer_cert_sans: Vec<String>,
}

/// An etcd cluster that somebody else runs, in v1beta3.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct ExternalEtcd {
    pub endpoints: Vec<String>,
    pub ca_file: String,
    pub cert_file: String,
    pub key_file: String,
}

/// Flags from a map, sorted by name as kubeadm's conversion sorts them.
fn args(map: BTreeMap<String, String>) -> Vec<Arg> {
    map.into_iter().map(|(name, value)| Arg { name, value }).collect()
}

impl From<NodeRegistrationOptions> for new::NodeRegistrationOptions {
    fn from(old: NodeRegistrationOptions) -> Self {
        Self {
            name: old.name,
            cri_socket: old.cri_socket,
            taints: old.taints,
            kubelet_extra_args: args(old.kubelet_extra_args),
            ignore_preflight_errors: old.ignore_preflight_errors,
            image_pull_policy: old.image_pull_policy,
            image_pull_serial: None,
        }
    }
}

impl From<InitConfiguration> for new::InitConfiguration {
    fn from(old: InitConfiguration) -> Self {
        Self {
            api_version: new::API_VERSION.into(),
            kind: "InitConfiguration".into(),
            bootstrap_tokens: old.bootstrap_tokens,
            dry_run: false,
            node_registration: old.node_registration.into(),
            local_api_endpoint: old.local_api_endpoint,
            certificate_key: old.certificate_key,
            skip_phases: old.skip_phases,
            patches: old.patches,
            timeouts: None,
        }
    }
}

impl ClusterConfiguration {
    /// The v1beta4 form, and the time-out that moved to InitConfiguration.
    pub(crate) fn convert(self) -> (new::ClusterConfiguration, Option<GoDuration>) {
        let component = |old: ControlPlaneComponent| new::ControlPlaneComponent {
            extra_args: args(old.extra_args),
            extra_volumes: old.extra_volumes,
            extra_envs: vec![],
        };
        // kubeadm takes 0 for nothing there.
        let timeout =
            self.api_server.timeout_for_control_plane.filter(|timeout| *timeout != GoDuration::ZERO);
        let cluster = new::ClusterConfiguration {
            api_version: new::API_VERSION.into(),
            kind: "ClusterConfiguration".into(),
            etcd: new::Etcd {
                local: self.etcd.local.map(|old| new::LocalEtcd {
                    image_repository: old.image_repository,
                    image_tag: old.image_tag,
                    data_dir: old.data_dir,
                    extra_args: args(old.extra_args),
                    extra_envs: vec![],
                    server_cert_sans: old.server_cert_sans,
                    peer_cert_sans: old.peer_cert_sans,
                }),
                external: self.etcd.external.map(|old| new::ExternalEtcd {
                    endpoints: old.endpoints,
                    http_endpoints: vec![],
                    ca_file: old.ca_file,
                    cert_file: old.cert_file,
                    key_file: old.key_file,
                }),
            },
            networking: self.networking,
            kubernetes_version: self.kubernetes_version,
            control_plane_endpoint: self.control_plane_endpoint,
            api_server: new::ApiServer {
                extra_args: args(self.api_server.extra_args),
                extra_volumes: self.api_server.extra_volumes,
                extra_envs: vec![],
                cert_sans: self.api_server.cert_sans,
            },
            controller_manager: component(self.controller_manager),
            scheduler: component(self.scheduler),
            dns: new::Dns {
                image_repository: self.dns.image_repository,
                image_tag: self.dns.image_tag,
                disabled: false,
            },
            proxy: new::Proxy::default(),
            certificates_dir: self.certificates_dir,
            image_repository: self.image_repository,
            feature_gates: self.feature_gates,
            cluster_name: self.cluster_name,
            ..Default::default()
        };
        (cluster, timeout)
    }
}
