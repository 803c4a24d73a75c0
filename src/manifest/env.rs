//! Environment variables of the components.

use std::collections::BTreeMap;

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

/// Sorted by name, as kubeadm writes them; of a variable that is given several times the last one stays.
pub(super) fn sorted(env: Vec<EnvVar>) -> Vec<EnvVar> {
    let by_name: BTreeMap<String, EnvVar> = env.into_iter().map(|env| (env.name.clone(), env)).collect();
    by_name.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_variable_stays() {
        let env = [("B", "1"), ("A", "2"), ("B", "3")].map(|(name, value)| EnvVar {
            name: name.into(),
            value: Some(value.into()),
            value_from: None,
        });
        let sorted: Vec<_> = sorted(env.to_vec()).into_iter().map(|e| (e.name, e.value.unwrap())).collect();
        assert_eq!(sorted, [("A".into(), "2".into()), ("B".to_owned(), "3".to_owned())]);
    }
}
