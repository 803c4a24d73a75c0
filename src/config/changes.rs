//! What a migration changed, in words for whoever owns the file.

use std::fmt;

use serde_json::Value;

/// Fields that moved to another place: v1beta3's kind and path, v1beta4's kind and path.
const MOVED: [(&str, &str, &str, &str); 2] = [
    (
        "ClusterConfiguration",
        "apiServer.timeoutForControlPlane",
        "InitConfiguration",
        "timeouts.controlPlaneComponentHealthCheck",
    ),
    ("JoinConfiguration", "discovery.timeout", "JoinConfiguration", "timeouts.discovery"),
];

/// Fields whose values are secrets.
const SECRETS: [&str; 3] = ["token", "tlsBootstrapToken", "certificateKey"];

/// One thing that a migration changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The document has another API version now.
    ApiVersion {
        /// The document.
        kind: String,
        /// Its API version before.
        from: String,
        /// Its API version now.
        to: String,
    },
    /// The document was not there; it holds defaults only.
    Added {
        /// The document.
        kind: String,
    },
    /// A field stands elsewhere now.
    Moved {
        /// Its kind and path before.
        from: (&'static str, &'static str),
        /// Its kind and path now.
        to: (&'static str, &'static str),
    },
    /// A map of flags is a list of names and values now.
    Listed {
        /// The document.
        kind: String,
        /// The field.
        path: String,
    },
    /// The value has its normal form now.
    Rewritten {
        /// The document.
        kind: String,
        /// The field.
        path: String,
        /// The value before; a secret is not shown.
        from: String,
        /// The value now; a secret is not shown.
        to: String,
    },
    /// Defaults are written out now.
    Defaulted {
        /// The document.
        kind: String,
        /// The fields.
        paths: Vec<String>,
    },
    /// A field is gone, since it has no effect.
    Dropped {
        /// The document.
        kind: String,
        /// The field.
        path: String,
    },
    /// Fields are still not given, and a run takes them from its machine.
    LeftOut {
        /// The document.
        kind: &'static str,
        /// The fields.
        paths: Vec<String>,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiVersion { kind, from, to } => write!(f, "{kind}: {from} became {to}"),
            Self::Added { kind } => write!(f, "{kind}: added, with defaults"),
            Self::Moved { from, to } => write!(f, "{}.{} became {}.{}", from.0, from.1, to.0, to.1),
            Self::Listed { kind, path } => {
                write!(f, "{kind}.{path}: the map became a list of `name` and `value`")
            }
            Self::Rewritten { kind, path, from, to } => write!(f, "{kind}.{path}: {from} became {to}"),
            Self::Defaulted { kind, paths } => {
                write!(f, "{kind}: defaults written out: {}", paths.join(", "))
            }
            Self::Dropped { kind, path } => write!(f, "{kind}.{path}: left out, it has no effect"),
            Self::LeftOut { kind, paths } => write!(
                f,
                "{kind}: not given, so still up to the machine that it is used on: {}",
                paths.join(", ")
            ),
        }
    }
}

/// What is different between the documents given (by kind) and those that became of them.
pub(super) fn between(given: &[(String, Value)], documents: &[Value]) -> Vec<Change> {
    let mut changes = vec![];
    for new in documents {
        let text = |value: &Value, field: &str| {
            value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let kind = text(new, "kind");
        let Some((_, old)) = given.iter().find(|(k, _)| *k == kind) else {
            changes.push(Change::Added { kind });
            continue;
        };
        let (from, to) = (text(old, "apiVersion"), text(new, "apiVersion"));
        if from != to {
            changes.push(Change::ApiVersion { kind: kind.clone(), from, to });
        }
        let mut comparison = Comparison { kind: &kind, changes: vec![], defaulted: vec![] };
        comparison.fields("", old, new);
        let Comparison { changes: found, defaulted, .. } = comparison;
        changes.extend(found);
        if !defaulted.is_empty() {
            changes.push(Change::Defaulted { kind, paths: defaulted });
        }
    }
    changes
}

struct Comparison<'a> {
    kind: &'a str,
    changes: Vec<Change>,
    defaulted: Vec<String>,
}

impl Comparison<'_> {
    fn values(&mut self, path: &str, old: &Value, new: &Value) {
        match (old, new) {
            (old, new) if old == new => {}
            (Value::Object(_), Value::Object(_)) => self.fields(path, old, new),
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (i, (old, new)) in a.iter().zip(b).enumerate() {
                    self.values(&format!("{path}.{i}"), old, new);
                }
            }
            (Value::Object(_), Value::Array(_)) => {
                self.changes.push(Change::Listed { kind: self.kind.into(), path: path.into() });
            }
            (old, new) if is_empty(old) => {
                if !is_empty(new) {
                    self.defaulted.push(path.into());
                }
            }
            (old, new) => {
                let secret = SECRETS.contains(&path.rsplit('.').next().unwrap_or(path));
                let show = |value: &Value| if secret { "(a secret)".to_owned() } else { value.to_string() };
                self.changes.push(Change::Rewritten {
                    kind: self.kind.into(),
                    path: path.into(),
                    from: show(old),
                    to: show(new),
                });
            }
        }
    }

    fn fields(&mut self, path: &str, old: &Value, new: &Value) {
        let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return };
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        for (name, old) in old.iter().filter(|(name, _)| !is_header(path, name)) {
            let path = below(name);
            match new.get(name) {
                Some(new) => self.values(&path, old, new),
                None if is_empty(old) => {}
                None => self.gone(path),
            }
        }
        for (name, new) in new {
            if !old.contains_key(name) && !is_header(path, name) && !is_empty(new) {
                self.defaulted.push(below(name));
            }
        }
    }

    fn gone(&mut self, path: String) {
        let moved = MOVED.iter().find(|(kind, from, ..)| *kind == self.kind && *from == path);
        self.changes.push(match moved {
            Some(&(kind, from, new_kind, to)) => Change::Moved { from: (kind, from), to: (new_kind, to) },
            None => Change::Dropped { kind: self.kind.into(), path },
        });
    }
}

/// What stands at the top of every document.
fn is_header(path: &str, name: &str) -> bool {
    path.is_empty() && matches!(name, "apiVersion" | "kind")
}

/// Whether a value says no more than its absence does.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_in_which_a_document_can_change_is_told() {
        let given = vec![(
            "ClusterConfiguration".to_owned(),
            json!({
                "apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration",
                "kubernetesVersion": "1.36.2",
                "dns": {"imageTag": ""},
                "apiServer": {"extraArgs": {"a": "1"}, "timeoutForControlPlane": "2m", "certSANs": ["A", "b"]},
                "certificateKey": "OLD", "unused": 1,
            }),
        )];
        let documents = [
            json!({ "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration" }),
            json!({
                "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
                "kubernetesVersion": "v1.36.2",
                "dns": {}, "proxy": {}, "clusterName": "kubernetes", "etcd": {"local": {"dataDir": "/x"}},
                "apiServer": {"extraArgs": [{"name": "a", "value": "1"}], "certSANs": ["a", "b"]},
                "certificateKey": "NEW",
            }),
        ];
        let told: Vec<String> = between(&given, &documents).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "InitConfiguration: added, with defaults",
                "ClusterConfiguration: kubeadm.k8s.io/v1beta3 became kubeadm.k8s.io/v1beta4",
                "ClusterConfiguration.apiServer.certSANs.0: \"A\" became \"a\"",
                "ClusterConfiguration.apiServer.extraArgs: the map became a list of `name` and `value`",
                "ClusterConfiguration.apiServer.timeoutForControlPlane became InitConfiguration.timeouts.controlPlaneComponentHealthCheck",
                "ClusterConfiguration.certificateKey: (a secret) became (a secret)",
                "ClusterConfiguration.kubernetesVersion: \"1.36.2\" became \"v1.36.2\"",
                "ClusterConfiguration.unused: left out, it has no effect",
                "ClusterConfiguration: defaults written out: clusterName, etcd",
            ]
        );
    }
}
