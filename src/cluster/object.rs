//! An object for the API server, and how it gets there.

use std::fmt;

use askama::Template;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::seal::SealError;
use crate::config::token::NoRandomness;
use crate::yaml::{self, TemplateError, WriteError};

/// The type of a token's Secret.
pub(crate) const TOKEN_SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";

/// What stands in a printed object where a secret was.
const WITHHELD: &str = "<value withheld>";

/// How an object gets to the API server (kubeadm's helpers of `apiclient`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apply {
    /// Created; where it is there and differs, replaced as a whole.
    CreateOrUpdate,
    /// Created; where it is there, left alone.
    CreateOnly,
    /// Created; where it is there, only this key of its `data` is set.
    CreateOrSetKey(&'static str),
    /// Never created: labels and annotations are added to the Node, taints put before those it has.
    PatchNode,
}

/// An object for the API server.
#[derive(Clone, PartialEq)]
pub(crate) struct ClusterObject {
    /// The object, with `apiVersion` and `kind`.
    pub value: Value,
    /// How it gets to the API server.
    pub mode: Apply,
    /// It holds what nobody may see: it is printed by [`Self::printable`] only.
    pub secret: bool,
}

/// Which object: what messages say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectName {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty where the kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name } = self;
        if namespace.is_empty() { write!(f, "{kind} {name}") } else { write!(f, "{kind} {namespace}/{name}") }
    }
}

impl ClusterObject {
    /// The text at `pointer` (RFC 6901), empty where there is none.
    fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Its namespace; empty where the kind has none.
    pub(crate) fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Which object it is.
    pub(crate) fn object_name(&self) -> ObjectName {
        ObjectName { kind: self.kind().into(), namespace: self.namespace().into(), name: self.name().into() }
    }

    /// The object as it may be shown: every secret withheld. It can still be applied by a pipe, as `stringData`.
    pub(crate) fn printable(&self) -> Value {
        let mut value = self.value.clone();
        if !self.secret {
            return value;
        }
        let token = self.text("/type") == TOKEN_SECRET_TYPE;
        let Some(fields) = value.as_object_mut() else { return value };
        let mut withheld = serde_json::Map::new();
        if let Some(data) = fields.get_mut("data").and_then(Value::as_object_mut) {
            // A token's id, groups and life time are no secret, and tell which token it is.
            data.retain(|key, _| {
                let keep = token && key != "token-secret";
                if !keep {
                    withheld.insert(key.clone(), json!(WITHHELD));
                }
                keep
            });
        }
        fields.insert("stringData".into(), withheld.into());
        value
    }

    /// The objects of a rendered template, each checked against its type.
    pub(crate) fn render(template: &impl Template, mode: Apply) -> Result<Vec<Self>, ObjectError> {
        let text = template.render().map_err(|e| TemplateError::render(&e))?;
        let values = yaml::parse_values(&text).map_err(|e| ObjectError::Fault(e.to_string()))?;
        values.into_iter().map(|v| Ok(Self { value: typed(v)?, mode, secret: false })).collect()
    }
}

impl fmt::Debug for ClusterObject {
    /// Its name only: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterObject({}, {:?})", self.object_name(), self.mode)
    }
}

/// Why an object can't be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectError {
    /// A template of ours does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A template of ours does not give what it should.
    #[error("a rendered object does not read back: {0}")]
    Fault(String),
    /// A configuration can't be written as YAML.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A configuration can't be written as JSON.
    #[error("can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A kubeconfig names its CA by file or not at all.
    #[error(
        "the kubeconfig of {server} embeds no CA (`certificate-authority-data`), so joining nodes can't be told which CA to trust"
    )]
    NoEmbeddedCa {
        /// The server it names.
        server: String,
    },
    /// A bootstrap token is not of the form `abcdef.0123456789abcdef`.
    #[error("bootstrapTokens.{index}: the token is not of the form abcdef.0123456789abcdef")]
    Token {
        /// Which one, from 0.
        index: usize,
    },
    /// A bootstrap token's end is no time.
    #[error(
        "bootstrapTokens.{index}: `expires` or `ttl` can't be used: {reason}; write `ttl: 24h0m0s` or `expires: \"2027-01-02T15:04:05Z\"`"
    )]
    Expiry {
        /// Which one, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// No new token can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The certificates can't be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The object as its type knows it, which must be all of it.
fn typed(value: Value) -> Result<Value, ObjectError> {
    match value.get("kind").and_then(Value::as_str).unwrap_or_default() {
        "ConfigMap" => same::<ConfigMap>(value),
        "Secret" => same::<Secret>(value),
        "Service" => same::<Service>(value),
        "ServiceAccount" => same::<ServiceAccount>(value),
        "Node" => same::<Node>(value),
        "Deployment" => same::<Deployment>(value),
        "DaemonSet" => same::<DaemonSet>(value),
        "Role" => same::<Role>(value),
        "RoleBinding" => same::<RoleBinding>(value),
        "ClusterRole" => same::<ClusterRole>(value),
        "ClusterRoleBinding" => same::<ClusterRoleBinding>(value),
        other => Err(ObjectError::Fault(format!("kind {other:?} is not one that init makes"))),
    }
}

fn same<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, ObjectError> {
    let fault = |reason: String| {
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        ObjectError::Fault(format!("{name}: {reason}"))
    };
    let object: T = serde_json::from_value(value.clone()).map_err(|e| fault(e.to_string()))?;
    let read = serde_json::to_value(&object).map_err(|e| fault(e.to_string()))?;
    if read == value { Ok(value) } else { Err(fault("it has fields that its type does not have".into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: &str) -> ClusterObject {
        let value = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": "s", "namespace": "n"},
            "data": {"token-id": "aWQ=", "token-secret": "c2VjcmV0"},
        });
        ClusterObject { value, mode: Apply::CreateOrUpdate, secret: true }
    }

    #[test]
    fn secrets_are_not_shown() {
        let token = secret("bootstrap.kubernetes.io/token").printable();
        assert_eq!(token["data"], json!({"token-id": "aWQ="}));
        assert_eq!(token["stringData"], json!({"token-secret": WITHHELD}));
        let opaque = secret("Opaque");
        assert_eq!(opaque.printable()["data"], json!({}));
        assert!(!format!("{opaque:?}{:?}", opaque.printable()).contains("c2Vj"));
    }

    #[test]
    fn fields_that_a_type_does_not_know_are_a_fault() {
        let good = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}});
        assert_eq!(typed(good.clone()).unwrap(), good);
        let mut typo = good.clone();
        typo["metadata"]["nmespace"] = json!("x");
        assert!(typed(typo).unwrap_err().to_string().contains('a'));
        assert!(typed(json!({"kind": "Pod"})).is_err());
    }
}
