//! How an object gets to the API server.

use serde_json::Value;
use tokio::task::JoinSet;

use super::connection::{Connection, collection};
use super::{Apply, Change, ClusterError, ClusterObject, Refusal, merge};

/// Applies objects: first what others need, all at once, then the rest, all at once. Returns what changed, in the
/// order given.
pub(super) async fn apply_all(
    connection: &Connection,
    objects: Vec<ClusterObject>,
) -> Result<Vec<Change>, ClusterError> {
    let (later, first): (Vec<_>, Vec<_>) =
        objects.into_iter().enumerate().partition(|(_, object)| needs_others(object));
    let mut changes = vec![];
    for wave in [first, later] {
        let mut tasks = JoinSet::new();
        for (index, object) in wave {
            let connection = connection.clone();
            tasks.spawn(async move { apply(&connection, &object).await.map(|change| (index, change)) });
        }
        while let Some(done) = tasks.join_next().await {
            // A task ends otherwise only with the runtime, and we with it.
            let Ok(done) = done else { continue };
            changes.push(done?);
        }
    }
    changes.sort_by_key(|(index, _)| *index);
    Ok(changes.into_iter().filter_map(|(_, change)| change).collect())
}

/// Workloads need their configuration and ServiceAccount, or their first Pods fail; what is owned, its owner.
fn needs_others(object: &ClusterObject) -> bool {
    matches!(object.kind(), "Deployment" | "DaemonSet")
        || object.value.pointer("/metadata/ownerReferences").is_some()
}

async fn apply(connection: &Connection, object: &ClusterObject) -> Result<Option<Change>, ClusterError> {
    let path = &collection(object.kind(), object.namespace())?;
    let action = if object.mode == Apply::PatchNode { "patch" } else { "apply" };
    connection.repeat(action, &object.object_name(), || attempt(connection, path, object)).await
}

/// Whether a refusal to create means that the object is there: a Service whose address is taken is refused for that
/// first, be it by itself.
fn may_exist(object: &ClusterObject, refusal: &Refusal) -> bool {
    refusal.is_conflict() || (object.kind() == "Service" && refusal.code() == Some(422))
}

async fn attempt(
    connection: &Connection,
    path: &str,
    object: &ClusterObject,
) -> Result<Option<Change>, Refusal> {
    let name = object.name();
    if object.mode == Apply::PatchNode {
        let live = connection.get(path, name).await?.ok_or(Refusal::NodeAbsent)?;
        if live.pointer("/metadata/labels/kubernetes.io~1hostname").is_none() {
            return Err(Refusal::NodeIncomplete);
        }
        let Some(patch) = merge::node_patch(&live, &object.value) else { return Ok(None) };
        let after = connection.merge(path, name, &patch).await?;
        return Ok(Some(Change::new(object, Some(live), after)));
    }
    let wanted = owned(connection, path, &object.value).await?;
    let refusal = match connection.create(path, &wanted).await {
        Ok(after) => return Ok(Some(Change::new(object, None, after))),
        Err(refusal) if may_exist(object, &refusal) => refusal,
        Err(refusal) => return Err(refusal),
    };
    // Gone again, or never there: what was said counts.
    let live = connection.get(path, name).await?.ok_or(refusal)?;
    let after = match object.mode {
        Apply::CreateOnly | Apply::PatchNode => None,
        Apply::CreateOrUpdate => {
            let new = merge::replacement(&live, &wanted);
            if merge::covers(&live, &new) { None } else { Some(connection.replace(path, name, &new).await?) }
        }
        Apply::CreateOrSetKey(key) => {
            let value = wanted.get("data").and_then(|data| data.get(key));
            let patch = serde_json::json!({ "data": { key: value } });
            if merge::covers(&live, &patch) {
                None
            } else {
                Some(connection.merge(path, name, &patch).await?)
            }
        }
    };
    Ok(after.map(|after| Change::new(object, Some(live), after)))
}

/// `object` with the uids of its owners (of its own kind, as init's are), which only the API server knows.
async fn owned(connection: &Connection, path: &str, object: &Value) -> Result<Value, Refusal> {
    let mut object = object.clone();
    let owners = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
    for owner in owners.into_iter().flatten().filter_map(Value::as_object_mut) {
        let name = owner.get("name").and_then(Value::as_str).unwrap_or_default();
        let live = connection.get(path, name).await?;
        let uid = live.as_ref().and_then(|l| l.pointer("/metadata/uid")).and_then(Value::as_str);
        let missing = || Refusal::Status {
            code: 404,
            reason: "NotFound".into(),
            message: format!("its owner {name} is not there"),
        };
        let uid = uid.ok_or_else(missing)?.to_owned();
        owner.insert("uid".into(), uid.into());
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fake::FakeApi;
    use super::super::{Cluster, KubeCluster};
    use super::*;
    use serde_json::json;

    const LIMIT: Duration = Duration::from_millis(400);
    const MAPS: &str = "/api/v1/namespaces/kube-system/configmaps";

    fn config_map(mode: Apply, data: Value) -> ClusterObject {
        let value = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "m", "namespace": "kube-system"}, "data": data,
        });
        ClusterObject { value, mode, secret: false }
    }

    fn open(api: &FakeApi) -> KubeCluster {
        api.cluster(LIMIT, |_| None)
    }

    fn writes(api: &FakeApi) -> Vec<String> {
        api.state.lock().unwrap().writes().iter().map(|s| (*s).to_owned()).collect()
    }

    fn live(api: &FakeApi, path: &str) -> Value {
        api.state.lock().unwrap().objects[path].clone()
    }

    #[test]
    fn what_is_missing_is_created_and_then_left_alone() {
        let api = FakeApi::new();
        let map = config_map(Apply::CreateOrUpdate, json!({"k": "v"}));
        open(&api).apply(vec![map.clone()]).unwrap();
        open(&api).apply(vec![map]).unwrap();
        let post = format!("POST {MAPS}");
        assert_eq!(writes(&api), [post.clone(), post]);
        assert_eq!(live(&api, &format!("{MAPS}/m"))["data"], json!({"k": "v"}));
    }

    #[test]
    fn what_differs_is_replaced_in_its_version() {
        let api = FakeApi::new();
        open(&api).apply(vec![config_map(Apply::CreateOrUpdate, json!({"old": "1"}))]).unwrap();
        open(&api).apply(vec![config_map(Apply::CreateOrUpdate, json!({"new": "2"}))]).unwrap();
        assert_eq!(writes(&api).last().unwrap(), &format!("PUT {MAPS}/m"));
        assert_eq!(live(&api, &format!("{MAPS}/m"))["data"], json!({"new": "2"}));
    }

    #[test]
    fn the_other_modes_touch_no_more_than_they_say() {
        let api = FakeApi::new();
        let existing = json!({"metadata": {"resourceVersion": "1"}, "data": {"mine": "1", "k": "old"}});
        api.put(&format!("{MAPS}/m"), existing.clone());
        open(&api).apply(vec![config_map(Apply::CreateOnly, json!({"k": "v"}))]).unwrap();
        assert_eq!(live(&api, &format!("{MAPS}/m")), existing);
        for _ in 0..2 {
            open(&api).apply(vec![config_map(Apply::CreateOrSetKey("k"), json!({"k": "v"}))]).unwrap();
        }
        assert_eq!(live(&api, &format!("{MAPS}/m"))["data"], json!({"mine": "1", "k": "v"}));
        assert_eq!(writes(&api).iter().filter(|w| w.starts_with("PATCH")).count(), 1);
    }

    #[test]
    fn a_server_that_stumbles_is_asked_again() {
        let api = FakeApi::new();
        let mut codes = vec![409, 503, 404, 500].into_iter();
        let mut cluster =
            api.cluster(
                Duration::from_secs(5),
                move |r| if r.starts_with("POST") { codes.next() } else { None },
            );
        cluster.apply(vec![config_map(Apply::CreateOrUpdate, json!({}))]).unwrap();
        assert_eq!(writes(&api).len(), 5);
    }

    #[test]
    fn a_lost_race_is_run_again() {
        let api = FakeApi::new();
        open(&api).apply(vec![config_map(Apply::CreateOrUpdate, json!({"k": "1"}))]).unwrap();
        let mut conflicts = vec![409].into_iter();
        let mut cluster =
            api.cluster(LIMIT, move |r| if r.starts_with("PUT") { conflicts.next() } else { None });
        cluster.apply(vec![config_map(Apply::CreateOrUpdate, json!({"k": "2"}))]).unwrap();
        assert_eq!(live(&api, &format!("{MAPS}/m"))["data"], json!({"k": "2"}));
    }

    #[test]
    fn what_is_never_accepted_is_told_with_its_name() {
        for (code, advice) in [
            (403, "kubeadm:cluster-admins"),
            (500, "see its log"),
            (400, "version"),
            (401, "client certificate"),
        ] {
            let api = FakeApi::new();
            let mut cluster = api.cluster(LIMIT, move |_| Some(code));
            let error =
                cluster.apply(vec![config_map(Apply::CreateOrUpdate, json!({}))]).unwrap_err().to_string();
            let head = format!("can't apply ConfigMap kube-system/m: HTTP {code} R: m");
            assert!(error.starts_with(&head) && error.contains(advice), "{error}");
            let asked = writes(&api).len();
            assert!(if code == 400 { asked == 1 } else { asked > 2 }, "{code}: {asked} requests");
        }
    }

    #[test]
    fn a_service_whose_address_it_has_itself_is_updated() {
        let api = FakeApi::new();
        let path = "/api/v1/namespaces/kube-system/services";
        api.put(&format!("{path}/s"), json!({"kind": "Service", "metadata": {"resourceVersion": "1"}, "spec": {"clusterIP": "10.0.0.1"}}));
        let mut cluster = api.cluster(LIMIT, |r| r.starts_with("POST").then_some(422));
        let value = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "kube-system"}, "spec": {"clusterIP": "10.0.0.10", "selector": {"a": "b"}}});
        cluster.apply(vec![ClusterObject { value, mode: Apply::CreateOrUpdate, secret: false }]).unwrap();
        assert_eq!(
            live(&api, &format!("{path}/s"))["spec"],
            json!({"clusterIP": "10.0.0.1", "selector": {"a": "b"}})
        );
        let absent = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "t", "namespace": "kube-system"}, "spec": {}});
        let error =
            cluster.apply(vec![ClusterObject { value: absent, mode: Apply::CreateOrUpdate, secret: false }]);
        assert!(error.unwrap_err().to_string().contains("HTTP 422"));
    }

    #[test]
    fn a_node_is_waited_for_and_marked_once() {
        let api = FakeApi::new();
        let value =
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"cp": ""}}});
        let mark = || vec![ClusterObject { value: value.clone(), mode: Apply::PatchNode, secret: false }];
        let error = open(&api).apply(mark()).unwrap_err().to_string();
        assert!(error.contains("can't patch Node n") && error.contains("kubelet"), "{error}");
        api.put("/api/v1/nodes/n", json!({"metadata": {"resourceVersion": "1"}}));
        assert!(open(&api).apply(mark()).unwrap_err().to_string().contains("hostname"));
        let labels = json!({"kubernetes.io/hostname": "n"});
        api.put("/api/v1/nodes/n", json!({"metadata": {"resourceVersion": "1", "labels": labels}}));
        open(&api).apply(mark()).unwrap();
        open(&api).apply(mark()).unwrap();
        assert_eq!(writes(&api), ["PATCH /api/v1/nodes/n"]);
        assert_eq!(live(&api, "/api/v1/nodes/n")["metadata"]["labels"]["cp"], "");
    }

    #[test]
    fn owners_and_configuration_come_first_and_uids_are_filled_in() {
        let api = FakeApi::new();
        let secret = |name: &str, owner: Option<&str>| {
            let mut value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "kube-system"}});
            if let Some(owner) = owner {
                value["metadata"]["ownerReferences"] = json!([{"kind": "Secret", "name": owner, "uid": ""}]);
            }
            ClusterObject { value, mode: Apply::CreateOrUpdate, secret: true }
        };
        let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d", "namespace": "kube-system"}});
        let set = ClusterObject { value: set, mode: Apply::CreateOrUpdate, secret: false };
        open(&api).apply(vec![set, secret("certs", Some("token")), secret("token", None)]).unwrap();
        let secrets = "/api/v1/namespaces/kube-system/secrets";
        let (token, certs) =
            (live(&api, &format!("{secrets}/token")), live(&api, &format!("{secrets}/certs")));
        assert_eq!(certs["metadata"]["ownerReferences"][0]["uid"], token["metadata"]["uid"]);
        assert_eq!(writes(&api)[0], format!("POST {secrets}"));
        assert_eq!(writes(&api).len(), 3);
    }

    #[test]
    fn every_object_of_an_init_applies_and_applies_again_without_a_write() {
        use super::super::tests::{everything, settings};
        let api = FakeApi::new();
        let settings = settings("kubernetesVersion: v1.36.2");
        let node =
            json!({"metadata": {"resourceVersion": "1", "labels": {"kubernetes.io/hostname": "cp-1"}}});
        api.put("/api/v1/nodes/cp-1", node);
        open(&api).apply(everything(&settings)).unwrap();
        let first = writes(&api).len();
        assert_eq!(first, everything(&settings).len());
        open(&api).apply(everything(&settings)).unwrap();
        let again = writes(&api).split_off(first);
        assert!(again.iter().all(|w| w.starts_with("POST")), "only creations, all refused: {again:?}");
    }
}
