//! `InitConfiguration`: what `init` is told about this node and this run.

use serde::{Deserialize, Serialize};

use super::super::duration::GoDuration;
use super::{ApiEndpoint, NodeRegistrationOptions, Patches, Timeouts};

/// What `init` is told about this node and this run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct InitConfiguration {
    /// Always [`super::API_VERSION`] once loaded.
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

/// A text that, where it is given, has something in it.
fn not_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(serde::de::Error::custom("is empty")) } else { Ok(text) }
}
