//! A real cluster that is only read: what a dry run would write is recorded.

use serde_json::Value;

use super::{Change, Cluster, ClusterError, ClusterObject, Recorder};

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
}

impl Cluster for ReadOnly {
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
        self.recorder.apply(objects)
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
