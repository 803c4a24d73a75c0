//! The configuration that a cluster keeps of itself, where joins and upgrades read it.

use serde_json::Value;

use super::{Cluster, ClusterError, component_config_hash};
use crate::config::kube_proxy::KubeProxyConfiguration;
use crate::config::kubelet::KubeletConfiguration;
use crate::config::settings::Generated;
use crate::config::{self, ConfigError, Loaded, Problem};
use crate::yaml;

const NAMESPACE: &str = "kube-system";
/// The annotation by which kubeadm tells a configuration that it generated from one that somebody changed.
const HASH: &str = "/metadata/annotations/kubeadm.kubernetes.io~1component-config.hash";

/// The stored configuration of a cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    /// The ClusterConfiguration, and kubelet's and kube-proxy's configuration, before any default.
    pub(crate) loaded: Loaded,
    /// Which of them nobody has changed since kubeadm generated them.
    pub(crate) generated: Generated,
    /// Text of the ClusterConfiguration as it is stored.
    pub(crate) text: String,
}

/// Why the stored configuration can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoredError {
    /// The API server does not give it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A ConfigMap that every kubeadm cluster has is not there, or lacks its key.
    #[error(
        "ConfigMap {NAMESPACE}/{name} {what}: the cluster was not set up by kubeadm or kubestrap, or it was deleted\n  fix: store it again with `kubestrap init phase upload-config {phase} --config FILE`, with the configuration of this cluster"
    )]
    Missing {
        /// The ConfigMap.
        name: &'static str,
        /// What is missing.
        what: String,
        /// The phase that stores it.
        phase: &'static str,
    },
    /// A newer kubeadm wrote it.
    #[error(
        "ConfigMap {NAMESPACE}/kubeadm-config is of {api_version}, which this version of kubestrap does not know\n  cause: a newer kubeadm or kubestrap stored it\n  fix: use that version, or a newer kubestrap"
    )]
    Newer {
        /// Its API version.
        api_version: String,
    },
    /// What is stored can't be read.
    #[error(
        "the configuration stored in the cluster can't be used:\n{0}\n  fix: correct that ConfigMap with `kubectl -n kube-system edit configmap NAME`"
    )]
    Content(#[from] ConfigError),
}

/// Reads `kubeadm-config`, `kubelet-config` and `kube-proxy`. The latter two may be missing; who may not read the last
/// one, as a joining node may not where kube-proxy is not installed, goes without.
///
/// # Errors
/// When one of them can't be read, or `kubeadm-config` is not there.
pub(crate) fn read(cluster: &mut dyn Cluster) -> Result<Stored, StoredError> {
    let missing = |what: String| StoredError::Missing { name: "kubeadm-config", what, phase: "kubeadm" };
    let map = cluster.get("ConfigMap", NAMESPACE, "kubeadm-config")?;
    let map = map.ok_or_else(|| missing("not found".into()))?;
    let text = text(&map, "ClusterConfiguration");
    let text = text.ok_or_else(|| missing("has no key `ClusterConfiguration`".into()))?;
    refuse_newer(&text)?;
    let loaded = Loaded { stored: true, ..config::load("ConfigMap kube-system/kubeadm-config", &text)? };
    let mut stored = Stored { loaded, generated: Generated::default(), text };
    if let Some(map) = cluster.read("ConfigMap", NAMESPACE, "kubelet-config")? {
        stored.loaded.kubelet = component("kubelet-config", "kubelet", &map, |document| {
            KubeletConfiguration::from_value(document).map_err(|e| e.to_string())
        })?;
        stored.generated.kubelet = is_generated(&map);
    }
    if let Some(map) = unless_forbidden(cluster.read("ConfigMap", NAMESPACE, "kube-proxy"))? {
        stored.loaded.kube_proxy = component("kube-proxy", "config.conf", &map, |document| {
            KubeProxyConfiguration::from_value(document).map_err(|e| e.to_string())
        })?;
        stored.generated.kube_proxy = is_generated(&map);
    }
    Ok(stored)
}

/// Where kube-proxy was not installed, so is the Role that lets nodes read its configuration.
fn unless_forbidden(answer: Result<Option<Value>, ClusterError>) -> Result<Option<Value>, ClusterError> {
    match answer {
        Err(ClusterError::Object { refusal, .. }) if refusal.code() == Some(403) => Ok(None),
        other => other,
    }
}

/// That the configuration is not of an API version that came after this program.
fn refuse_newer(text: &str) -> Result<(), StoredError> {
    let documents = yaml::parse_values(text).unwrap_or_default();
    let versions = documents.iter().filter_map(|d| d.get("apiVersion")?.as_str());
    let number = |version: &str| version.strip_prefix("kubeadm.k8s.io/v1beta")?.parse::<u32>().ok();
    let newer = |version: &&str| {
        let stable = version
            .strip_prefix("kubeadm.k8s.io/v")
            .is_some_and(|v| !v.contains("alpha") && !v.contains("beta"));
        stable || number(version) > number(config::v1beta4::API_VERSION)
    };
    match versions.into_iter().find(newer) {
        Some(version) => Err(StoredError::Newer { api_version: version.to_owned() }),
        None => Ok(()),
    }
}

fn text(map: &Value, key: &str) -> Option<String> {
    map.get("data")?.get(key)?.as_str().map(str::to_owned)
}

/// A component's configuration under a key of its ConfigMap; none where the key is not there.
fn component<T>(
    name: &str,
    key: &str,
    map: &Value,
    decode: impl Fn(Value) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = text(map, key) else { return Ok(None) };
    let problem = |message: String| {
        Problem::new("configuration", format!("ConfigMap kube-system/{name}, {key}"), message)
    };
    let documents = yaml::parse_values(&text).map_err(|e| problem(e.to_string()))?;
    documents.into_iter().next().map(|d| decode(d).map_err(|e| problem(e).into())).transpose()
}

/// Whether the hash that kubeadm left with a generated configuration still fits.
fn is_generated(map: &Value) -> bool {
    let Some(hash) = map.pointer(HASH).and_then(Value::as_str) else { return false };
    let values = map.get("data").and_then(Value::as_object).into_iter().flatten();
    component_config_hash(values.filter_map(|(_, value)| value.as_str())) == hash
}

#[cfg(test)]
mod tests {
    use super::super::{Change, ClusterObject};
    use super::*;
    use crate::cluster::tests::settings;
    use crate::cluster::upload_config;
    use crate::config::settings::ClusterSettings;

    struct Maps(Vec<Value>);

    impl Cluster for Maps {
        fn apply(&mut self, _: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
            Ok(vec![])
        }
        fn get(&mut self, kind: &str, _: &str, name: &str) -> Result<Option<Value>, ClusterError> {
            assert_eq!(kind, "ConfigMap");
            Ok(self.0.iter().find(|map| map["metadata"]["name"] == name).cloned())
        }
        fn list(&mut self, _: &str, _: &str) -> Result<Vec<Value>, ClusterError> {
            Ok(vec![])
        }
    }

    fn maps() -> Maps {
        let settings = settings("kubernetesVersion: v1.35.2");
        let objects =
            [upload_config::kubeadm(&settings).unwrap(), upload_config::kubelet(&settings).unwrap()];
        Maps(objects.concat().into_iter().map(|o| o.value).filter(|o| o["kind"] == "ConfigMap").collect())
    }

    #[test]
    fn what_init_stored_is_read_back() {
        let mut maps = maps();
        let stored = read(&mut maps).unwrap();
        assert_eq!(stored.loaded.cluster.kubernetes_version, "v1.35.2");
        assert_eq!(stored.loaded.kubelet.unwrap().cluster_domain, "cluster.local");
        assert!(stored.generated.kubelet && !stored.generated.kube_proxy);
        let map = maps.0.iter_mut().find(|m| m["metadata"]["name"] == "kubelet-config").unwrap();
        let changed = map["data"]["kubelet"].as_str().unwrap().to_owned() + "maxPods: 50\n";
        map["data"]["kubelet"] = changed.into();
        assert!(!read(&mut maps).unwrap().generated.kubelet, "somebody changed it");
    }

    #[test]
    fn what_a_newer_kubeadm_stored_is_refused_and_the_older_read() {
        let stored = |api_version: &str| {
            let text = format!(
                "apiVersion: {api_version}\nkind: ClusterConfiguration\nkubernetesVersion: v1.35.2\n"
            );
            let map = serde_json::json!({"metadata": {"name": "kubeadm-config"}, "data": {"ClusterConfiguration": text}});
            read(&mut Maps(vec![map]))
        };
        for newer in ["kubeadm.k8s.io/v1beta5", "kubeadm.k8s.io/v1", "kubeadm.k8s.io/v2"] {
            let error = stored(newer).unwrap_err().to_string();
            assert!(error.contains(newer) && error.contains("a newer kubestrap"), "{error}");
        }
        for known in ["kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4"] {
            assert_eq!(stored(known).unwrap().loaded.cluster.kubernetes_version, "v1.35.2");
        }
        let error = stored("kubeadm.k8s.io/v1alpha3").unwrap_err().to_string();
        assert!(error.contains("too old"), "{error}");
    }

    #[test]
    fn a_gate_that_only_an_older_release_knew_is_no_error() {
        let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\nfeatureGates: {EtcdLearnerMode: true}\n";
        let map = serde_json::json!({"metadata": {"name": "kubeadm-config"}, "data": {"ClusterConfiguration": text}});
        let stored = read(&mut Maps(vec![map])).unwrap();
        let settings = ClusterSettings::of_stored(stored.loaded, stored.generated).unwrap();
        assert!(settings.config.feature_gates["EtcdLearnerMode"], "kept, as kubeadm keeps it");
        let loaded = config::load("a file of the user's", text).unwrap();
        let error = ClusterSettings::of_stored(loaded, Generated::default()).unwrap_err();
        assert!(error.to_string().contains("featureGates.EtcdLearnerMode"), "{error}");
    }

    #[test]
    fn cluster_without_kubeadm_config_is_refused() {
        let error = read(&mut Maps(vec![])).unwrap_err().to_string();
        assert!(error.starts_with("ConfigMap kube-system/kubeadm-config not found"), "{error}");
    }
}
