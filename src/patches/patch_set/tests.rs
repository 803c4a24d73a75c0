use super::*;
use crate::config::Release;
use crate::patches::{decode, known_targets};
use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use serde_json::json;

fn release() -> &'static Release {
    Release::of(&"v1.36.2".parse().unwrap()).unwrap()
}

fn load(files: &[(&str, &str)]) -> PatchSet {
    PatchSet::from_files(files.iter().copied(), &known_targets(release()), |text| {
        Ok(text.as_bytes().to_vec())
    })
    .unwrap()
}

/// What matters here of the Pod that kubeadm makes.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"annotations": {"a": "b"}, "name": name, "namespace": "kube-system"},
        "spec": {
            "containers": [{
                "command": [name, "--flag=x"],
                "image": "registry.k8s.io/x:1",
                "livenessProbe": {"failureThreshold": 8, "initialDelaySeconds": 10},
                "name": name,
                "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}},
            }],
            "hostNetwork": true,
            "priority": 2_000_001_000,
            "priorityClassName": "system-node-critical",
            "volumes": [{"hostPath": {"path": "/etc/ssl/certs"}, "name": "ca-certs"}],
        },
    })
}

/// The patched Pod, typed and written again, as it would be in the manifest.
fn manifest(set: &PatchSet, name: &str) -> Value {
    let (patched, _) = set.apply(name, pod(name)).unwrap();
    let decoded = decode::<Pod>(patched).unwrap();
    assert!(decoded.dropped.is_empty());
    serde_json::to_value(decoded.object).unwrap()
}

fn error(file: &str, text: &str) -> String {
    let target = known_targets(release()).into_iter().find(|target| file.starts_with(target)).unwrap();
    load(&[(file, text)]).apply(target, pod(target)).unwrap_err().to_string()
}

#[test]
fn each_kind_of_patch_does_to_a_pod_what_kubeadm_does() {
    // The patches of the recorded case `patches`, and what kubeadm 1.36 made of its Pods.
    let set = load(&[
        (
            "etcd0.yaml",
            "spec:\n  containers:\n  - name: etcd\n    resources:\n      requests:\n        cpu: 500m\n  dnsPolicy: ClusterFirstWithHostNet\n",
        ),
        (
            "kube-apiserver0+merge.yaml",
            "metadata:\n  annotations:\n    patched-by: merge\nspec:\n  priorityClassName: system-cluster-critical\n",
        ),
        (
            "kube-apiserver1+strategic.yaml",
            "spec:\n  containers:\n  - name: kube-apiserver\n    resources: {requests: {memory: 512Mi}, limits: {memory: 2048Mi}}\n    env: [{name: EXTRA, value: '1'}]\n  volumes:\n  - name: extra\n    emptyDir: {}\n",
        ),
        (
            "kube-controller-manager+json.json",
            r#"[{"op":"add","path":"/spec/containers/0/command/-","value":"--v=5"},{"op":"replace","path":"/spec/containers/0/resources/requests/cpu","value":"333m"},{"op":"remove","path":"/spec/priority"}]"#,
        ),
        (
            "kube-scheduler.yaml",
            "spec:\n  containers:\n  - name: kube-scheduler\n    livenessProbe:\n      initialDelaySeconds: 99\n",
        ),
    ]);

    let mut expected = pod("etcd");
    expected["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("500m");
    expected["spec"]["dnsPolicy"] = json!("ClusterFirstWithHostNet");
    assert_eq!(manifest(&set, "etcd"), expected);

    let mut expected = pod("kube-apiserver");
    expected["metadata"]["annotations"]["patched-by"] = json!("merge");
    expected["spec"]["priorityClassName"] = json!("system-cluster-critical");
    let container = &mut expected["spec"]["containers"][0];
    container["env"] = json!([{"name": "EXTRA", "value": "1"}]);
    container["resources"] =
        json!({"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}});
    expected["spec"]["volumes"] = json!([{"name": "extra", "emptyDir": {}}, {"hostPath": {"path": "/etc/ssl/certs"}, "name": "ca-certs"}]);
    assert_eq!(manifest(&set, "kube-apiserver"), expected);

    let mut expected = pod("kube-controller-manager");
    expected["spec"]["containers"][0]["command"] = json!(["kube-controller-manager", "--flag=x", "--v=5"]);
    expected["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("333m");
    expected["spec"].as_object_mut().unwrap().remove("priority");
    assert_eq!(manifest(&set, "kube-controller-manager"), expected);

    let mut expected = pod("kube-scheduler");
    expected["spec"]["containers"][0]["livenessProbe"]["initialDelaySeconds"] = json!(99);
    assert_eq!(manifest(&set, "kube-scheduler"), expected);
}

#[test]
fn the_kubelet_configuration_has_no_merge_keys() {
    let set = load(&[(
        "kubeletconfiguration0.yaml",
        "maxPods: 77\nclusterDNS: [10.0.0.10]\nevictionHard: {nodefs.available: 5%}\n",
    )]);
    let config = json!({"clusterDNS": ["10.96.0.10"], "kind": "KubeletConfiguration"});
    let (patched, applied) = set.apply("kubeletconfiguration", config).unwrap();
    let expected = json!({
        "clusterDNS": ["10.0.0.10"],
        "evictionHard": {"nodefs.available": "5%"},
        "kind": "KubeletConfiguration",
        "maxPods": 77,
    });
    assert_eq!(patched, expected);
    let kind = PatchKind::Strategic;
    assert_eq!(applied, [Applied { file: "kubeletconfiguration0.yaml".to_owned(), kind }]);
}

#[test]
fn patches_apply_in_order_and_only_to_their_target() {
    let set = load(&[("etcd1+merge.yaml", "x: 1\nz: 1\n---\nx: 2\n"), ("kube-scheduler.yaml", "x: 3\n")]);
    let (patched, applied) = set.apply("etcd", json!({})).unwrap();
    assert_eq!(patched, json!({"x": 2, "z": 1}));
    assert_eq!(applied.len(), 2);
    assert_eq!(set.apply("kube-apiserver", json!({"a": 1})).unwrap(), (json!({"a": 1}), Vec::new()));
}

#[test]
fn an_error_names_the_file_the_document_and_the_target() {
    assert_eq!(
        error(
            "etcd+json.yaml",
            "- {op: test, path: /kind, value: Pod}\n---\n- {op: remove, path: /spec/nodeName}\n"
        ),
        "the json patch for `etcd` in `etcd+json.yaml` (document 2) can't be applied: operation 1 (`remove` at \
         `/spec/nodeName`): `/spec/nodeName` doesn't exist, only `/spec` does"
    );
    assert_eq!(
        error("etcd.yaml", "spec: {containers: [{image: x}]}"),
        "the strategic patch for `etcd` in `etcd.yaml` (document 1) can't be applied: `spec.containers[0]` lacks \
         `name`, the field by which the items of this list are merged"
    );
}

#[test]
fn a_patch_of_the_wrong_shape_is_refused() {
    for (file, text, expected) in [
        ("etcd+json.yaml", "spec: {}", "must be a list of operations, but is an object"),
        ("etcd+merge.yaml", "[]", "must be an object, but is a list"),
        ("etcd.yaml", "just words", "must be an object, but is a string"),
    ] {
        let message = error(file, text);
        assert!(message.ends_with(expected), "{message}");
    }
    let set = load(&[("etcd0+json.yaml", "[{op: replace, path: '', value: []}]"), ("etcd1.yaml", "x: 1")]);
    assert!(matches!(set.apply("etcd", json!({})), Err(PatchError::NoObject { .. })));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn merge_patched(object: Value, patch: &Value) -> Value {
    let file = format!("{patch}");
    load(&[("etcd+merge.json", &file)]).apply("etcd", object).unwrap().0
}

proptest! {
    #[test]
    fn an_empty_merge_patch_changes_nothing(object in any_json()) {
        let object = json!({"x": object});
        prop_assert_eq!(merge_patched(object.clone(), &json!({})), object);
    }

    #[test]
    fn a_merge_patch_applied_twice_is_applied_once(object in any_json(), patch in any_json()) {
        let patch = json!({"x": patch});
        let once = merge_patched(json!({"x": object}), &patch);
        prop_assert_eq!(merge_patched(once.clone(), &patch), once);
    }
}
