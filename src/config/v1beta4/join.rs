//! `JoinConfiguration`: what `join` is told about the cluster and this node.

use serde::{Deserialize, Serialize};

use super::{ApiEndpoint, NodeRegistrationOptions, Patches, Timeouts};

/// What `join` is told.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JoinConfiguration {
    /// Always [`super::API_VERSION`] once loaded.
    pub api_version: String,
    /// Always `JoinConfiguration`.
    pub kind: String,
    /// As the flag `--dry-run`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// How the node registers itself.
    pub node_registration: NodeRegistrationOptions,
    /// Where the cluster's CA certificate lies, or shall lie.
    pub ca_cert_path: String,
    /// How to find the cluster, and to know that it is the right one.
    pub discovery: Discovery,
    /// The control plane to set up here; none is a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<JoinControlPlane>,
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

/// A control plane on a joining node.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JoinControlPlane {
    /// Where this node's API server listens.
    #[serde(rename = "localAPIEndpoint")]
    pub local_api_endpoint: ApiEndpoint,
    /// Key that decrypts the certificates in the `kubeadm-certs` Secret, in hex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificate_key: String,
}

impl std::fmt::Debug for JoinControlPlane {
    /// Without the key: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinControlPlane")
            .field("local_api_endpoint", &self.local_api_endpoint)
            .finish_non_exhaustive()
    }
}

/// How to find the cluster: exactly one of the two.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Discovery {
    /// With a bootstrap token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_token: Option<BootstrapTokenDiscovery>,
    /// With a kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileDiscovery>,
    /// The token with which kubelet asks for its certificate; the discovery's if none is given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tls_bootstrap_token: String,
}

impl std::fmt::Debug for Discovery {
    /// Without the token: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery")
            .field("bootstrap_token", &self.bootstrap_token)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Discovery with a bootstrap token, by the ConfigMap `cluster-info`.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct BootstrapTokenDiscovery {
    /// The token, whose signature of `cluster-info` is checked.
    pub token: String,
    /// `host:port` of an API server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_server_endpoint: String,
    /// Digests of the public keys of CAs to trust, `sha256:<hex>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ca_cert_hashes: Vec<String>,
    /// Trust whatever CA `cluster-info` names.
    #[serde(rename = "unsafeSkipCAVerification", skip_serializing_if = "std::ops::Not::not")]
    pub unsafe_skip_ca_verification: bool,
}

impl std::fmt::Debug for BootstrapTokenDiscovery {
    /// Without the token: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BootstrapTokenDiscovery")
            .field("api_server_endpoint", &self.api_server_endpoint)
            .field("ca_cert_hashes", &self.ca_cert_hashes)
            .field("unsafe_skip_ca_verification", &self.unsafe_skip_ca_verification)
            .finish_non_exhaustive()
    }
}

/// Discovery with a kubeconfig.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct FileDiscovery {
    /// The file, or an https URL of it.
    pub kube_config_path: String,
}
