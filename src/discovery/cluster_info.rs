//! The ConfigMap `kube-public/cluster-info`: a kubeconfig with the API server and the CA, and its signatures.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::cause::Cause;
use super::client::{Address, Answer};
use crate::host::net;
use crate::kubeconfig::Kubeconfig;
use crate::pki::Bundle;

/// Its path.
pub(super) const PATH: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
/// How the keys of its signatures begin; the token's id follows.
const SIGNATURE: &str = "jws-kubeconfig-";
/// How long a cluster counts as new: whatever signs tokens may not be up yet.
const NEW: Duration = Duration::minutes(2);

/// What it says.
#[derive(Clone, Debug)]
pub(super) struct ClusterInfo {
    address: Address,
    /// The kubeconfig's text, which is what is signed.
    pub(super) kubeconfig: String,
    data: BTreeMap<String, String>,
    created: Option<OffsetDateTime>,
}

/// The cluster that it describes.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// URL of the API server.
    pub(super) server: String,
    /// Its CA.
    pub(super) ca: Bundle,
}

#[derive(Deserialize)]
struct ConfigMap {
    kind: String,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    creation_timestamp: Option<String>,
}

impl ClusterInfo {
    /// Reads it from an answer that was no refusal.
    ///
    /// # Errors
    /// When the answer is something else, or lacks the kubeconfig.
    pub(super) fn of(address: &Address, answer: &Answer) -> Result<Self, Cause> {
        let odd = |what: String| Cause::NotKubernetes { address: address.to_string(), what };
        let object: ConfigMap = serde_json::from_slice(&answer.body)
            .map_err(|_| odd(format!("HTTP {} without a Kubernetes object", answer.code)))?;
        if object.kind != "ConfigMap" {
            return Err(odd(format!("a {:?} in place of a ConfigMap", object.kind)));
        }
        let created =
            object.metadata.creation_timestamp.and_then(|t| OffsetDateTime::parse(&t, &Rfc3339).ok());
        let kubeconfig =
            object.data.get("kubeconfig").filter(|k| !k.is_empty()).cloned().ok_or_else(|| {
                Cause::ClusterInfo {
                    address: address.to_string(),
                    reason: "it has no key `kubeconfig`".into(),
                }
            })?;
        Ok(Self { address: address.clone(), kubeconfig, data: object.data, created })
    }

    /// The signature made with the token of this id.
    pub(super) fn signature(&self, id: &str) -> Option<&str> {
        self.data.get(&format!("{SIGNATURE}{id}")).map(String::as_str)
    }

    /// The ids of the tokens that signed it.
    pub(super) fn signed_by(&self) -> Vec<String> {
        self.data.keys().filter_map(|key| key.strip_prefix(SIGNATURE)).map(str::to_owned).collect()
    }

    /// Whether it was made just before `now`, the server's time.
    pub(super) fn is_new(&self, now: OffsetDateTime) -> bool {
        self.created.is_some_and(|created| now - created < NEW)
    }

    /// The cluster that it describes. It is its signature that makes it trusted, not this.
    ///
    /// # Errors
    /// When its kubeconfig can't be used.
    pub(super) fn describe(&self) -> Result<Described, Cause> {
        let bad = |reason: String| Cause::ClusterInfo { address: self.address.to_string(), reason };
        let kubeconfig =
            Kubeconfig::parse(&self.kubeconfig).map_err(|e| bad(format!("its kubeconfig: {e}")))?;
        let cluster = kubeconfig.clusters.into_iter().next().map(|named| named.cluster);
        let cluster = cluster.ok_or_else(|| bad("its kubeconfig has no cluster".into()))?;
        net::server_url(&cluster.server).map_err(|e| bad(format!("its kubeconfig's server: {e}")))?;
        if cluster.certificate_authority_data.is_empty() {
            return Err(bad("its kubeconfig embeds no CA".into()));
        }
        let pem = STANDARD
            .decode(&cluster.certificate_authority_data)
            .map_err(|e| bad(format!("the CA in its kubeconfig is not base64: {e}")))?;
        let ca = Bundle::from_pem(&pem).map_err(|e| bad(format!("the CA in its kubeconfig: {e}")))?;
        Ok(Described { server: cluster.server, ca })
    }
}
