//! What a Node says of itself.

use serde_json::Value;

use super::CONTROL_PLANE_LABELS;

/// What a Node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeStatus {
    /// Its name.
    pub(crate) name: String,
    /// It is a control-plane node.
    pub(crate) control_plane: bool,
    /// Why it is not ready; none when it is.
    pub(crate) not_ready: Option<String>,
    /// Since when it has been ready or not, as Kubernetes writes a time; empty where that is not known.
    pub(crate) since: String,
    /// Pods may be scheduled on it.
    pub(crate) schedulable: bool,
    /// kubelet's version.
    pub(crate) kubelet: String,
    /// Its addresses inside the cluster's network.
    pub(crate) addresses: Vec<String>,
}

impl NodeStatus {
    /// Reads a Node.
    pub(crate) fn of(node: &Value) -> Self {
        let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.into_iter().flatten().find(|c| c.get("type").is_some_and(|t| t == "Ready"));
        let not_ready = match ready {
            Some(condition) if text(condition, "/status") == "True" => None,
            Some(condition) => {
                let why = text(condition, "/message");
                Some(if why.is_empty() { text(condition, "/reason") } else { why })
            }
            None => Some("kubelet has not reported".into()),
        };
        let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
        let addresses = node.pointer("/status/addresses").and_then(Value::as_array);
        let internal = addresses.into_iter().flatten().filter(|a| text(a, "/type") == "InternalIP");
        Self {
            name: text(node, "/metadata/name"),
            control_plane: labels
                .is_some_and(|labels| CONTROL_PLANE_LABELS.iter().take(1).any(|l| labels.contains_key(*l))),
            not_ready,
            since: ready.map(|condition| text(condition, "/lastTransitionTime")).unwrap_or_default(),
            schedulable: node.pointer("/spec/unschedulable") != Some(&Value::Bool(true)),
            kubelet: text(node, "/status/nodeInfo/kubeletVersion"),
            addresses: internal.map(|a| text(a, "/address")).collect(),
        }
    }

    /// Its role, in kubeadm's words.
    pub(crate) fn role(&self) -> &'static str {
        if self.control_plane { "control-plane" } else { "worker" }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn node_is_ready_only_when_it_says_so() {
        let with = |status: &str| {
            let ready =
                json!({"type": "Ready", "status": status, "message": "no CNI", "lastTransitionTime": "T"});
            NodeStatus::of(&json!({"status": {"conditions": [ready]}}))
        };
        assert_eq!(with("True").not_ready, None);
        assert_eq!(with("False").not_ready.as_deref(), Some("no CNI"));
        assert_eq!(with("Unknown").since, "T");
        assert!(NodeStatus::of(&json!({})).not_ready.is_some());
    }

    #[test]
    fn role_and_addresses_are_those_of_the_node() {
        let node = NodeStatus::of(&json!({
            "metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}},
            "status": {"addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.2"}]},
        }));
        assert_eq!((node.role(), node.addresses), ("control-plane", vec!["10.0.0.2".to_owned()]));
        assert_eq!(NodeStatus::default().role(), "worker");
    }
}
