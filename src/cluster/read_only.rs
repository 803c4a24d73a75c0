//! A real cluster that is only read: what a dry run would write is recorded.

use serde_json::{Value, json};

use super::{Apply, Change, Cluster, ClusterError, ClusterObject, Recorder, merge};

/// Reads from a cluster, and records what is applied.
pub(crate) struct ReadOnly {
    cluster: Box<dyn Cluster>,
    recorder: Recorder,
}

impl ReadOnly {
    /// Reads from `cluster`; `recorder` keeps what is applied.
    pub(crate) fn new(cluster: Box<dyn Cluster>, recorder: Recorder) -> Self {
        Self { cluster, recorder }
    }

    /// The cluster that it reads from.
    pub(crate) fn into_inner(self) -> Box<dyn Cluster> {
        self.cluster
    }

    /// What applying an object would change.
    fn change(&mut self, object: &ClusterObject) -> Result<Option<Change>, ClusterError> {
        let live = self.cluster.get(object.kind(), object.namespace(), object.name())?;
        let Some(live) = live else {
            return Ok(Some(Change::new(object, None, object.value.clone())));
        };
        let after = match object.mode {
            Apply::CreateOnly => return Ok(None),
            Apply::CreateOrUpdate => overlay(&live, &object.value),
            Apply::CreateOrSetKey(key) => {
                let value = object.value.get("data").and_then(|data| data.get(key));
                overlay(&live, &json!({ "data": { key: value } }))
            }
            Apply::PatchNode => match merge::node_patch(&live, &object.value) {
                None => return Ok(None),
                Some(patch) => {
                    let mut after = live.clone();
                    json_patch::merge(&mut after, &patch);
                    after
                }
            },
        };
        Ok((!merge::covers(&live, &after)).then(|| Change::new(object, Some(live), after)))
    }
}

/// `live` with all that `wanted` says, as the API server will show it: with the defaults that are there, and texts of
/// configurations as they are where they say the same.
fn overlay(live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let mut all = live.clone();
            for (key, value) in wanted {
                let before = live.get(key).unwrap_or(&Value::Null);
                if !merge::covers(before, value) {
                    all.insert(key.clone(), overlay(before, value));
                }
            }
            Value::Object(all)
        }
        (Value::Array(live), Value::Array(wanted)) if live.len() == wanted.len() => {
            live.iter().zip(wanted).map(|(live, wanted)| overlay(live, wanted)).collect()
        }
        (live, wanted) if merge::covers(live, wanted) => live.clone(),
        (_, wanted) => wanted.clone(),
    }
}

impl Cluster for ReadOnly {
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
        let mut changes = vec![];
        for object in &objects {
            changes.extend(self.change(object)?);
        }
        self.recorder.apply(objects)?;
        Ok(changes)
    }

    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        self.cluster.get(kind, namespace, name)
    }

    fn read(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        self.cluster.read(kind, namespace, name)
    }

    fn list(&mut self, kind: &str, namespace: &str) -> Result<Vec<Value>, ClusterError> {
        self.cluster.list(kind, namespace)
    }

    fn text(&mut self, path: &str) -> Result<String, ClusterError> {
        self.cluster.text(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_api_server_are_no_change() {
        let live = json!({"spec": {"a": "1", "ports": [{"name": "x", "protocol": "TCP"}]}, "metadata": {"uid": "u"}});
        let wanted = json!({"spec": {"a": "2", "ports": [{"name": "x"}]}, "metadata": {}});
        let after = json!({"spec": {"a": "2", "ports": [{"name": "x", "protocol": "TCP"}]}, "metadata": {"uid": "u"}});
        assert_eq!(overlay(&live, &wanted), after);
        assert_eq!(overlay(&live, &json!({"spec": {"a": "1"}})), live);
    }
}
