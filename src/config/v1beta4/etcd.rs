//! etcd's part of a `ClusterConfiguration`.

use k8s_openapi::api::core::v1::EnvVar;
use serde::{Deserialize, Serialize};

use super::Arg;

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
