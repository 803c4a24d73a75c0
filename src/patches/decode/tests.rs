use super::*;

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "etcd"}, "spec": spec})
}

fn error(object: Value) -> String {
    decode::<Pod>(object).unwrap_err().to_string()
}

#[test]
fn quantities_are_canonical_and_may_be_numbers() {
    let resources = json!({"requests": {"cpu": 1, "memory": "1024Mi"}, "limits": {"cpu": 0.5}});
    let patched = pod(json!({
        "containers": [{"name": "etcd", "resources": resources}],
        "volumes": [{"name": "x", "emptyDir": {"sizeLimit": "1.5Gi"}}],
    }));
    let decoded = decode::<Pod>(patched).unwrap();
    let spec = serde_json::to_value(&decoded.object).unwrap()["spec"].clone();
    let expected = json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "500m"}});
    assert_eq!(spec["containers"][0]["resources"], expected);
    assert_eq!(spec["volumes"][0]["emptyDir"]["sizeLimit"], json!("1536Mi"));
    assert!(decoded.dropped.is_empty());
}

#[test]
fn a_wrong_type_is_found_in_any_depth() {
    let message = error(pod(json!({
        "priority": 7,
        "containers": [{"name": "a"}, {"name": "b", "ports": [{"name": "x", "containerPort": "http"}]}],
    })));
    assert!(
        message.starts_with("`spec.containers[1].ports[0].containerPort`: invalid type: string"),
        "{message}"
    );
    let message = error(pod(json!({"containers": {"name": "a"}})));
    assert!(message.starts_with("`spec.containers`: invalid type: map"), "{message}");
    let message = error(pod(json!({"hostNetwork": "yes", "priority": "high"})));
    assert!(message.starts_with("`spec.hostNetwork`: invalid type: string"), "{message}");
    let message = error(json!([]));
    assert!(message.starts_with("`(top level)`: invalid type"), "{message}");
}

#[test]
fn a_bad_quantity_is_found() {
    let resources =
        |cpu: Value| pod(json!({"containers": [{"name": "a", "resources": {"limits": {"cpu": cpu}}}]}));
    let message = error(resources(json!("lots")));
    assert!(
        message.starts_with("`spec.containers[0].resources.limits.cpu`: `lots` is not a quantity"),
        "{message}"
    );
    let message = error(resources(json!([1])));
    assert!(
        message.starts_with("`spec.containers[0].resources.limits.cpu`: a quantity must be"),
        "{message}"
    );
}

#[test]
fn another_kind_of_object_is_refused() {
    let message = error(json!({"apiVersion": "v1", "kind": "Secret"}));
    assert!(message.starts_with("`kind`: invalid value: string \"Secret\", expected Pod"), "{message}");
}

#[test]
fn unknown_fields_are_left_out_and_reported() {
    let decoded = decode::<Pod>(pod(json!({
        "hostNetwrok": true,
        "priority": null,
        "nodeSelector": {},
        "containers": [{"name": "a"}, {"name": "b", "env": [{"name": "A", "$patch": "merge", "value": null}]}],
    })))
    .unwrap();
    let mut dropped: Vec<String> = decoded.dropped.iter().map(ToString::to_string).collect();
    dropped.sort();
    assert_eq!(dropped, ["spec.containers[1].env[0].$patch", "spec.hostNetwrok"]);
    assert_eq!(decoded.object.spec.unwrap().containers.len(), 2);
}

#[test]
fn what_is_empty_is_written_as_go_writes_it() {
    let mut patched = pod(json!({
        "containers": [{
            "name": "a", "env": [], "securityContext": {"privileged": false}, "tty": false,
            "livenessProbe": {"periodSeconds": 0, "timeoutSeconds": 15},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": false}],
        }],
        "hostNetwork": false,
        "initContainers": [{"name": "b"}],
        "nodeSelector": {},
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "v", "emptyDir": {}}],
    }));
    patched["metadata"]["annotations"] = json!({});
    let expected = pod(json!({
        "containers": [{
            "name": "a", "securityContext": {"privileged": false}, "resources": {},
            "livenessProbe": {"timeoutSeconds": 15},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }],
        "initContainers": [{"name": "b", "resources": {}}],
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "v", "emptyDir": {}}],
    }));
    assert_eq!(decode::<Pod>(patched).unwrap().written().unwrap(), expected);
    assert_eq!(error(json!({"spec": {}})), "`apiVersion`: is gone: an object needs it");
}

#[test]
fn workloads_are_decoded_alike() {
    let template =
        json!({"spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": 1048576000}}}]}});
    let daemon_set =
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {"selector": {}, "template": template}});
    let decoded = decode::<DaemonSet>(daemon_set).unwrap();
    let containers = decoded.object.spec.template.spec.unwrap().containers;
    let limits = containers[0].resources.as_ref().unwrap().limits.as_ref().unwrap();
    assert_eq!(limits["memory"].0, "1048576k");
    let error =
        decode::<Deployment>(json!({"spec": {"template": {"spec": {"tolerations": {}}}}})).unwrap_err();
    assert_eq!(error.path.to_string(), "spec.template.spec.tolerations");
}
