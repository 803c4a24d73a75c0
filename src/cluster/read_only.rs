//! A real cluster that is only read: what a dry run would write is recorded.

use serde_json::Value;

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
            Apply::CreateOrUpdate => merge::replacement(&live, &object.value),
            Apply::CreateOrSetKey(key) => {
                let mut after = live.clone();
                let value = object.value.get("data").and_then(|data| data.get(key)).cloned();
                if let (Some(data), Some(value)) =
                    (after.get_mut("data").and_then(Value::as_object_mut), value)
                {
                    data.insert(key.into(), value);
                }
                after
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

    fn list(&mut self, kind: &str, namespace: &str) -> Result<Vec<Value>, ClusterError> {
        self.cluster.list(kind, namespace)
    }

    fn text(&mut self, path: &str) -> Result<String, ClusterError> {
        self.cluster.text(path)
    }
}
