//! Environment variables of the components.

use k8s_openapi::api::core::v1::EnvVar;

use crate::config::Settings;

/// The proxy variables of our own environment, overridden by name by the user's (kubeadm gives every component
/// but etcd both).
pub(super) fn with_proxies(settings: &Settings, extra: &[EnvVar]) -> Vec<EnvVar> {
    let proxies =
        settings.node.facts.proxy_variables.iter().filter(|(name, _)| !extra.iter().any(|e| e.name == *name));
    let proxies = proxies.map(|(name, value)| EnvVar {
        name: name.clone(),
        value: Some(value.clone()),
        value_from: None,
    });
    proxies.chain(extra.iter().cloned()).collect()
}

/// Sorted by name, as kubeadm writes them.
pub(super) fn sorted(mut env: Vec<EnvVar>) -> Vec<EnvVar> {
    env.sort_by(|a, b| a.name.cmp(&b.name));
    env
}
