//! A cluster that is only thought of.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{Change, Cluster, ClusterError, ClusterObject};

/// A dry run's cluster: empty, and what is applied is kept in order. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    objects: Arc<Mutex<Vec<ClusterObject>>>,
}

impl Recorder {
    /// What was applied, in order.
    pub(crate) fn objects(&self) -> Vec<ClusterObject> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Cluster for Recorder {
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
        let changes = objects.iter().map(|o| Change::new(o, None, o.value.clone())).collect();
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).extend(objects);
        Ok(changes)
    }

    fn get(&mut self, _kind: &str, _namespace: &str, _name: &str) -> Result<Option<Value>, ClusterError> {
        Ok(None)
    }

    fn list(&mut self, _kind: &str, _namespace: &str) -> Result<Vec<Value>, ClusterError> {
        Ok(vec![])
    }
}
