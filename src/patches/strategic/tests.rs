use super::*;
use proptest::prelude::*;
use serde_json::json;

fn merged(original: Value, patch: Value) -> Result<Value, StrategicError> {
    let (Value::Object(original), Value::Object(patch)) = (original, patch) else { panic!("objects only") };
    merge(Schema::Pod, original, patch).map(Value::from)
}

/// A Pod with containers `a`, `b` and `c`, and what else a test needs.
fn pod() -> Value {
    json!({
        "metadata": {"labels": {"tier": "control-plane"}, "finalizers": ["one", "two"]},
        "spec": {
            "containers": [
                {"name": "a", "image": "a:1", "command": ["a", "--x"], "env": [{"name": "A", "value": "1"}]},
                {"name": "b", "image": "b:1"},
                {"name": "c", "image": "c:1"},
            ],
            "tolerations": [{"key": "k"}],
            "volumes": [{"name": "v", "hostPath": {"path": "/v", "type": "Directory"}}],
        },
    })
}

fn spec(patch: Value) -> Result<Value, StrategicError> {
    Ok(merged(pod(), json!({"spec": patch}))?["spec"].take())
}

fn container_names(patch: Value) -> Vec<String> {
    let spec = spec(patch).unwrap();
    spec["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

fn error(patch: Value) -> String {
    merged(pod(), patch).unwrap_err().to_string()
}

#[test]
fn fields_are_merged_and_null_deletes() {
    let result = merged(
        pod(),
        json!({
            "metadata": {"labels": {"tier": null, "new": "x", "absent": null}},
            "spec": {"securityContext": {"runAsUser": 0, "runAsGroup": null}},
        }),
    )
    .unwrap();
    assert_eq!(result["metadata"]["labels"], json!({"new": "x"}));
    assert_eq!(result["spec"]["securityContext"], json!({"runAsUser": 0}));
}

#[test]
fn items_with_the_same_key_are_merged() {
    let patch = json!({"containers": [{"name": "a", "image": "a:2", "env": [{"name": "A", "value": "2"}]}]});
    let expected =
        json!({"name": "a", "image": "a:2", "command": ["a", "--x"], "env": [{"name": "A", "value": "2"}]});
    assert_eq!(spec(patch).unwrap()["containers"][0], expected);
}

#[test]
fn lists_without_a_merge_key_are_replaced() {
    let patch =
        json!({"containers": [{"name": "a", "command": ["b"]}], "tolerations": [{"operator": "Exists"}]});
    let result = spec(patch).unwrap();
    assert_eq!(result["containers"][0]["command"], json!(["b"]));
    assert_eq!(result["tolerations"], json!([{"operator": "Exists"}]));
}

#[test]
fn new_items_come_before_those_the_patch_does_not_mention() {
    let names = |names: &[&str]| {
        let items: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        container_names(json!({"containers": items}))
    };
    assert_eq!(names(&["new"]), ["new", "a", "b", "c"]);
    assert_eq!(names(&["b", "new"]), ["a", "b", "new", "c"]);
    assert_eq!(names(&["new", "a"]), ["new", "a", "b", "c"]);
    assert_eq!(names(&["c", "a"]), ["b", "c", "a"]);
}

#[test]
fn a_set_of_values_is_joined() {
    let result = merged(pod(), json!({"metadata": {"finalizers": ["two", "three"]}})).unwrap();
    assert_eq!(result["metadata"]["finalizers"], json!(["one", "two", "three"]));
}

#[test]
fn an_item_can_be_deleted() {
    assert_eq!(container_names(json!({"containers": [{"name": "b", "$patch": "delete"}]})), ["a", "c"]);
    assert_eq!(
        container_names(json!({"containers": [{"name": "zzz", "$patch": "delete"}]})),
        ["a", "b", "c"]
    );
}

#[test]
fn a_list_can_be_replaced() {
    let patch = json!({"containers": [{"$patch": "replace"}, {"name": "d"}]});
    assert_eq!(spec(patch).unwrap()["containers"], json!([{"name": "d"}]));
}

#[test]
fn an_object_can_be_replaced_or_emptied() {
    let replaced = merged(pod(), json!({"metadata": {"$patch": "replace", "name": "x"}})).unwrap();
    assert_eq!(replaced["metadata"], json!({"name": "x"}));
    let emptied = merged(pod(), json!({"metadata": {"$patch": "delete"}})).unwrap();
    assert_eq!(emptied["metadata"], json!({}));
    // Kubernetes leaves out an object with a directive that meets nothing.
    let unmet = spec(json!({"securityContext": {"$patch": "replace", "runAsUser": 0}})).unwrap();
    assert_eq!(unmet.get("securityContext"), None);
}

#[test]
fn values_can_be_deleted_from_any_list_of_values() {
    let finalizers =
        merged(pod(), json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["one"]}})).unwrap();
    assert_eq!(finalizers["metadata"]["finalizers"], json!(["two"]));
    let patch = json!({"containers": [{"name": "a", "$deleteFromPrimitiveList/command": ["--x"]}]});
    assert_eq!(spec(patch).unwrap()["containers"][0]["command"], json!(["a"]));
}

#[test]
fn retain_keys_clears_the_other_fields() {
    let patch = json!({"volumes": [{"name": "v", "emptyDir": {}, "$retainKeys": ["name", "emptyDir"]}]});
    assert_eq!(spec(patch).unwrap()["volumes"], json!([{"name": "v", "emptyDir": {}}]));
    let message = error(json!({"spec": {"$retainKeys": ["volumes"], "hostNetwork": true}}));
    assert_eq!(
        message,
        "`spec.hostNetwork` is set by the patch, but missing from the `$retainKeys` next to it"
    );
}

#[test]
fn the_order_of_items_can_be_set() {
    let order = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
    let patch = json!({"$setElementOrder/containers": order(&["c", "a", "b"])});
    assert_eq!(container_names(patch), ["c", "a", "b"]);
    let patch = json!({
        "$setElementOrder/containers": order(&["c", "new", "a"]),
        "containers": [{"name": "new"}, {"name": "b", "$patch": "delete"}],
    });
    assert_eq!(container_names(patch), ["c", "new", "a"]);
    let patch =
        json!({"$setElementOrder/initContainers": order(&["y", "x"]), "initContainers": order(&["y", "x"])});
    assert_eq!(spec(patch).unwrap()["initContainers"], json!(order(&["y", "x"])));
    let message = error(json!({"spec": {
        "$setElementOrder/containers": order(&["a", "b"]),
        "containers": order(&["b", "a"]),
    }}));
    assert!(message.starts_with("the items of `spec.containers` are not in the order"), "{message}");
}

#[test]
fn a_patch_that_makes_no_sense_is_refused_with_the_place() {
    for (patch, expected) in [
        (
            json!({"spec": {"containers": [{"name": "a"}, {"image": "x"}]}}),
            "`spec.containers[1]` lacks `name`, the field by which the items of this list are merged",
        ),
        (
            json!({"spec": {"containers": [{"name": "a", "env": [{"value": "x"}]}]}}),
            "`spec.containers[name=a].env[0]` lacks `name`, the field by which the items of this list are merged",
        ),
        (
            json!({"spec": {"containers": [{"$patch": "delete"}]}}),
            "`spec.containers[0]` lacks `name`, the field by which the items of this list are merged",
        ),
        (
            json!({"spec": {"containers": [{"name": "a", "$patch": "merge"}]}}),
            "`$patch: merge` at `spec.containers[0]` is unknown: only `replace` and `delete` can be used",
        ),
        (
            json!({"spec": {"$patch": 1}}),
            "`$patch: 1` at `spec` is unknown: only `replace` and `delete` can be used",
        ),
        (
            json!({"spec": {"containers": ["a"]}}),
            "`spec.containers` can't be merged: its items, with those of the patch, are not all of one type",
        ),
        (
            json!({"metadata": {"$deleteFromPrimitiveList": []}}),
            "`$deleteFromPrimitiveList` at `metadata` doesn't name its list: write `$deleteFromPrimitiveList/<field>`",
        ),
        (json!({"metadata": {"$retainKeys": "labels"}}), "`metadata.$retainKeys` must be a list"),
        (
            json!({"spec": {"$deleteFromPrimitiveList/tolerations": [{"key": "k"}]}}),
            "`spec.tolerations` can't be merged item by item: its items have no merge key",
        ),
    ] {
        assert_eq!(error(patch), expected);
    }
}

/// A patch for [`pod`]: nulls, known and new items, values. (No nulls inside new items: Kubernetes
/// keeps those at first and only deletes them the second time.)
fn patch() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![Just(json!("x")), Just(json!(1)), Just(json!({"y": "z"}))];
    let nullable = prop_oneof![scalar.clone(), Just(Value::Null)];
    let env = (proptest::sample::subsequence(vec!["A", "B", "C"], 0..3).prop_shuffle(), scalar).prop_map(
        |(names, value)| names.iter().map(|name| json!({"name": name, "value": value})).collect::<Vec<_>>(),
    );
    let names = proptest::sample::subsequence(vec!["a", "b", "c", "d", "e"], 0..5).prop_shuffle();
    let containers = (names, env).prop_map(|(names, env)| {
        names.iter().map(|name| json!({"name": name, "env": env})).collect::<Vec<_>>()
    });
    let finalizers = Just(vec!["one", "three", "four"]).prop_shuffle();
    (containers, finalizers, nullable.clone(), nullable).prop_map(|(containers, finalizers, label, other)| {
        json!({
            "metadata": {"labels": {"tier": label}, "finalizers": finalizers},
            "spec": {"containers": containers, "tolerations": other, "volumes": [{"name": "v", "hostPath": null}]},
        })
    })
}

proptest! {
    #[test]
    fn an_empty_patch_changes_nothing(patch in patch()) {
        let object = merged(pod(), patch).unwrap();
        prop_assert_eq!(merged(object.clone(), json!({})).unwrap(), object);
    }

    #[test]
    fn a_patch_applied_twice_is_applied_once(patch in patch()) {
        let once = merged(pod(), patch.clone()).unwrap();
        prop_assert_eq!(merged(once.clone(), patch).unwrap(), once);
    }
}
