//! Where the certificates lie and how they are made: from a configuration file, else from the cluster, else from what
//! lies on the machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::certs::Pki;
use crate::certs::serving::pod;
use crate::cluster::ClusterError;
use crate::commands::reach;
use crate::config;
use crate::config::settings::CERTIFICATE_VALIDITY;
use crate::config::v1beta4::ClusterConfiguration;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Host, Lock};
use crate::manifest::Component;
use crate::output::Printer;
use crate::pki::KeyAlgorithm;

/// How long the cluster may take to tell its configuration: an API server that is down must not keep anybody from
/// renewing the certificate that it is down for.
const PATIENCE: Duration = Duration::from_secs(3);
const CONFIG_MAP: (&str, &str) = ("kube-system", "kubeadm-config");

/// Where to look for the certificates.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// The directory of certificates and keys, where it is not what the configuration or the cluster says.
    pub(crate) cert_dir: Option<PathBuf>,
    /// A configuration file, in place of what the cluster stores.
    pub(crate) config: Option<String>,
    /// The kubeconfig to ask the cluster with.
    pub(crate) kubeconfig: PathBuf,
    /// The directory of kubeconfigs, with that of manifests in it.
    pub(crate) kubeconfig_dir: PathBuf,
}

/// What is known of a control plane's certificates.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Where they lie.
    pub(crate) pki: Pki,
    /// The algorithm of keys, if the configuration could be had.
    pub(crate) algorithm: Option<KeyAlgorithm>,
    /// How long they last.
    pub(crate) validity: time::Duration,
}

impl Source {
    /// Keeps other runs out that write these files, or restart what reads them.
    ///
    /// # Errors
    /// When another run is at work.
    pub(crate) fn lock(&self, command: &str) -> Result<Lock, Error> {
        let manifests = self.pki.kubeconfigs.join("manifests");
        Ok(Lock::take(&[&self.pki.certificates, &self.pki.kubeconfigs, &manifests], command)?)
    }
}

impl Location {
    /// Finds out.
    ///
    /// # Errors
    /// When the configuration file can't be used.
    pub(crate) fn find(&self, area: &str, host: &dyn Host, out: &Printer) -> Result<Source, Error> {
        let known = match &self.config {
            Some(file) => Some(reach::load(Some(file), out)?.cluster),
            None => self.of_cluster(area, out),
        };
        let manifests = self.kubeconfig_dir.join("manifests");
        // kubeadm's rule: what the file says counts.
        let given = self.cert_dir.as_ref().filter(|_| self.config.is_none());
        if let (None, Some(dir)) = (given, &self.cert_dir) {
            let dir = dir.display();
            out.warn(
                area,
                format!("--cert-dir {dir} is not used: with --config the file's `certificatesDir` counts"),
            );
        }
        let pki = |certificates: Option<PathBuf>, external_etcd: bool| Pki {
            certificates: given.cloned().or(certificates).unwrap_or_else(|| "/etc/kubernetes/pki".into()),
            kubeconfigs: self.kubeconfig_dir.clone(),
            external_etcd,
        };
        let Some(cluster) = known else {
            let certificates =
                pod(&manifests, Component::ApiServer, host).and_then(|pod| pod.certificates_folder());
            let external_etcd = host.exists(&manifests.join(Component::ApiServer.file()))
                && !host.exists(&manifests.join(Component::Etcd.file()));
            let validity = time::Duration::nanoseconds(CERTIFICATE_VALIDITY.0);
            return Ok(Source { pki: pki(certificates, external_etcd), algorithm: None, validity });
        };
        let certificates =
            Some(cluster.certificates_dir.as_str()).filter(|d| !d.is_empty()).map(PathBuf::from);
        let validity = cluster.certificate_validity_period.unwrap_or(CERTIFICATE_VALIDITY);
        Ok(Source {
            pki: pki(certificates, cluster.etcd.external.is_some()),
            algorithm: Some(algorithm(&cluster)?),
            validity: time::Duration::nanoseconds(validity.0),
        })
    }

    /// The configuration that the cluster keeps. Where it can't be had, that is said, and it goes on without.
    fn of_cluster(&self, area: &str, out: &Printer) -> Option<ClusterConfiguration> {
        let (namespace, name) = CONFIG_MAP;
        if !self.kubeconfig.exists() {
            out.log(
                area,
                format!(
                    "{} does not exist, so the cluster is not asked for its configuration: using local files and kubeadm's defaults",
                    self.kubeconfig.display()
                ),
            );
            return None;
        }
        out.log(area, format!("Reading the configuration from ConfigMap {namespace}/{name}"));
        match ask(&self.kubeconfig) {
            Ok(cluster) => Some(cluster),
            Err(why) => {
                out.log(
                    area,
                    format!("Could not read ConfigMap {namespace}/{name}: {why}\n  Using local files and kubeadm's defaults; --config names a file instead"),
                );
                None
            }
        }
    }
}

fn ask(kubeconfig: &Path) -> Result<ClusterConfiguration, String> {
    let (namespace, name) = CONFIG_MAP;
    let reached = reach::connect(kubeconfig, PATIENCE).map_err(|e| e.to_string())?;
    let map = reached.cluster.get_once("ConfigMap", namespace, name, PATIENCE).map_err(|e| match e {
        // Its advice is not for this: to go on without is fine.
        ClusterError::Object { refusal, .. } => refusal.to_string(),
        other => other.to_string(),
    })?;
    let map = map.ok_or_else(|| format!("there is no ConfigMap {namespace}/{name}"))?;
    let text = map.pointer("/data/ClusterConfiguration").and_then(Value::as_str);
    let text = text.ok_or_else(|| format!("ConfigMap {namespace}/{name} has no ClusterConfiguration"))?;
    let loaded = config::load(&format!("ConfigMap {namespace}/{name}"), text).map_err(|e| e.to_string())?;
    Ok(loaded.cluster)
}

/// The algorithm that a configuration asks for, by kubeadm's rules.
fn algorithm(cluster: &ClusterConfiguration) -> Result<KeyAlgorithm, Error> {
    match (cluster.feature_gates.get("PublicKeysECDSA"), cluster.encryption_algorithm.as_str()) {
        (Some(true), _) => Ok(KeyAlgorithm::EcdsaP256),
        (Some(false), _) | (None, "") => Ok(KeyAlgorithm::default()),
        (None, name) => {
            name.parse().map_err(|e| Error::new(ExitStatus::Usage, format!("encryptionAlgorithm: {e}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_gate_wins_over_the_algorithm() {
        let mut cluster =
            ClusterConfiguration { encryption_algorithm: "RSA-4096".into(), ..Default::default() };
        assert_eq!(algorithm(&cluster).unwrap(), KeyAlgorithm::Rsa4096);
        cluster.feature_gates.insert("PublicKeysECDSA".into(), true);
        assert_eq!(algorithm(&cluster).unwrap(), KeyAlgorithm::EcdsaP256);
        cluster.feature_gates.insert("PublicKeysECDSA".into(), false);
        assert_eq!(algorithm(&cluster).unwrap(), KeyAlgorithm::Rsa2048);
        let unknown = ClusterConfiguration { encryption_algorithm: "DSA".into(), ..Default::default() };
        assert!(algorithm(&unknown).unwrap_err().message.contains("DSA"));
    }
}
