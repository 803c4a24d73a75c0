//! What of an existing object stays, and whether it is as it should be.

use k8s_openapi::api::core::v1::Taint;
use serde_json::{Map, Value, json};

use crate::yaml;

/// Whether `live` says all that `wanted` says. What the API server or others added is not looked at; lists must
/// have the same length, since their elements are not known by name.
pub(super) fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| covers(live.get(key).unwrap_or(&Value::Null), value))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(l, w)| covers(l, w))
        }
        // The API server leaves out what is empty.
        (Value::Null, Value::Object(fields)) => fields.values().all(|v| covers(&Value::Null, v)),
        (Value::Null, Value::Array(items)) => items.is_empty(),
        (Value::Null, Value::String(text)) => text.is_empty(),
        // Configurations lie in ConfigMaps as YAML, and whoever wrote them has a style of his own.
        (Value::String(live), Value::String(wanted)) => {
            live == wanted || (wanted.contains('\n') && yaml::same(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

/// `wanted` as it replaces `live`: of the same version, and with what can't change.
pub(super) fn replacement(live: &Value, wanted: &Value) -> Value {
    let mut new = wanted.clone();
    keep(&mut new, live, "metadata", &["resourceVersion"]);
    if wanted.get("kind").is_some_and(|kind| kind == "Service") {
        keep(&mut new, live, "spec", &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]);
    }
    new
}

fn keep(new: &mut Value, live: &Value, section: &str, fields: &[&str]) {
    let (Some(new), Some(live)) = (new.get_mut(section).and_then(Value::as_object_mut), live.get(section))
    else {
        return;
    };
    for field in fields {
        if let Some(value) = live.get(*field) {
            new.insert((*field).to_owned(), value.clone());
        }
    }
}

/// The merge patch that adds `wanted`'s labels and annotations to the Node `live` and puts its taints before those
/// that are there; none where all of that is so.
pub(super) fn node_patch(live: &Value, wanted: &Value) -> Option<Value> {
    let mut metadata = Map::new();
    let mut patch = Map::new();
    for field in ["labels", "annotations"] {
        let path = format!("/metadata/{field}");
        let (Some(entries), there) = (wanted.pointer(&path).and_then(Value::as_object), live.pointer(&path))
        else {
            continue;
        };
        let missing: Map<String, Value> = entries
            .iter()
            .filter(|(key, value)| there.and_then(|t| t.get(key)) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !missing.is_empty() {
            metadata.insert(field.into(), missing.into());
        }
    }
    let (old, new) = (taints(live), taints(wanted));
    if !new.iter().all(|taint| old.contains(taint)) {
        // A Node may have one taint of a key and effect only.
        let others = old.into_iter().filter(|o| !new.iter().any(|n| n.key == o.key && n.effect == o.effect));
        let all: Vec<Taint> = new.iter().cloned().chain(others).collect();
        patch.insert("spec".into(), json!({ "taints": all }));
    }
    if metadata.is_empty() && patch.is_empty() {
        return None;
    }
    // So that taints that others set meanwhile are not lost.
    let version = live.pointer("/metadata/resourceVersion").cloned();
    metadata.insert("resourceVersion".into(), version.unwrap_or_default());
    patch.insert("metadata".into(), metadata.into());
    Some(patch.into())
}

fn taints(node: &Value) -> Vec<Taint> {
    let taints = node.pointer("/spec/taints").cloned().unwrap_or_default();
    serde_json::from_value(taints).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_added_does_not_count_and_what_is_missing_does() {
        let live = json!({"a": 1, "l": [{"x": 1, "defaulted": true}], "m": {"k": "v"}, "y": "b: 1\na: 2\n"});
        for covered in [
            json!({"a": 1}),
            json!({"l": [{"x": 1}], "m": {}}),
            json!({"y": "a: 2\nb: 1\n"}),
            json!({"absent": {}, "none": [], "null": null, "text": "", "deep": {"er": {}}}),
        ] {
            assert!(covers(&live, &covered), "{covered}");
        }
        for differs in [
            json!({"a": 2}),
            json!({"l": []}),
            json!({"l": [{"x": 2}]}),
            json!({"new": 0}),
            json!({"y": "a: 2\nb: 2\n"}),
            json!({"m": {"k": "w"}}),
        ] {
            assert!(!covers(&live, &differs), "{differs}");
        }
    }

    #[test]
    fn a_service_keeps_its_address() {
        let live = json!({"kind": "Service", "metadata": {"resourceVersion": "7", "uid": "u"}, "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}});
        let wanted = json!({"kind": "Service", "metadata": {"resourceVersion": "0", "name": "s"}, "spec": {"clusterIP": "10.9.9.9", "ports": []}});
        assert_eq!(
            replacement(&live, &wanted),
            json!({"kind": "Service", "metadata": {"resourceVersion": "7", "name": "s"}, "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": []}})
        );
    }

    #[test]
    fn a_node_s_own_taints_and_labels_stay() {
        let wanted = json!({"metadata": {"labels": {"cp": ""}}, "spec": {"taints": [{"key": "cp", "effect": "NoSchedule"}]}});
        let mut live = json!({"metadata": {"resourceVersion": "3", "labels": {"kubernetes.io/hostname": "n"}}, "spec": {"taints": [{"key": "not-ready", "effect": "NoSchedule"}, {"key": "cp", "value": "old", "effect": "NoSchedule"}]}});
        let patch = node_patch(&live, &wanted).unwrap();
        assert_eq!(
            patch,
            json!({
                "metadata": {"labels": {"cp": ""}, "resourceVersion": "3"},
                "spec": {"taints": [{"key": "cp", "effect": "NoSchedule"}, {"key": "not-ready", "effect": "NoSchedule"}]},
            })
        );
        json_patch::merge(&mut live, &patch);
        assert_eq!(node_patch(&live, &wanted), None, "the second time there is nothing to do");
    }
}
