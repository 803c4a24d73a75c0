//! `JoinConfiguration` of v1beta3. Without `Debug`, since it holds tokens.

use serde::Deserialize;

use super::{NodeRegistrationOptions, new};
use crate::config::duration::GoDuration;

/// `JoinConfiguration` of v1beta3.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct JoinConfiguration {
    pub api_version: String,
    pub kind: String,
    pub node_registration: NodeRegistrationOptions,
    pub ca_cert_path: String,
    pub discovery: Discovery,
    pub control_plane: Option<new::JoinControlPlane>,
    pub skip_phases: Vec<String>,
    pub patches: Option<new::Patches>,
}

/// How to find the cluster, in v1beta3.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "field for field the v1beta4 type of the same name, which has the docs")]
pub(crate) struct Discovery {
    pub bootstrap_token: Option<new::BootstrapTokenDiscovery>,
    pub file: Option<new::FileDiscovery>,
    pub tls_bootstrap_token: String,
    /// Became `timeouts.discovery`.
    pub timeout: Option<GoDuration>,
}

impl From<JoinConfiguration> for new::JoinConfiguration {
    fn from(old: JoinConfiguration) -> Self {
        let discovery = old.discovery;
        Self {
            api_version: new::API_VERSION.into(),
            kind: "JoinConfiguration".into(),
            dry_run: false,
            node_registration: old.node_registration.into(),
            ca_cert_path: old.ca_cert_path,
            discovery: new::Discovery {
                bootstrap_token: discovery.bootstrap_token,
                file: discovery.file,
                tls_bootstrap_token: discovery.tls_bootstrap_token,
            },
            control_plane: old.control_plane,
            skip_phases: old.skip_phases,
            patches: old.patches,
            timeouts: discovery
                .timeout
                .map(|discovery| new::Timeouts { discovery: Some(discovery), ..Default::default() }),
        }
    }
}
