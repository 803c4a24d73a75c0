//! A cluster that is reached when it is first needed.

use serde_json::Value;

use super::{Change, Cluster, ClusterError, ClusterObject};

/// A cluster that `connect` reaches when it is first needed: the files that tell how are made by earlier phases.
/// Where that fails, the next need tries again.
pub struct LazyCluster<C, F> {
    connect: F,
    connected: Option<C>,
}

impl<C: Cluster, F: FnMut() -> Result<C, ClusterError>> LazyCluster<C, F> {
    /// A cluster that nobody has asked for yet.
    pub fn new(connect: F) -> Self {
        Self { connect, connected: None }
    }

    /// The cluster itself.
    ///
    /// # Errors
    /// When it can't be reached.
    pub fn connected(&mut self) -> Result<&mut C, ClusterError> {
        let cluster = match self.connected.take() {
            Some(cluster) => cluster,
            None => (self.connect)()?,
        };
        Ok(self.connected.insert(cluster))
    }
}

impl<C: Cluster, F: FnMut() -> Result<C, ClusterError>> Cluster for LazyCluster<C, F> {
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
        if objects.is_empty() { Ok(vec![]) } else { self.connected()?.apply(objects) }
    }

    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        self.connected()?.get(kind, namespace, name)
    }

    fn list(&mut self, kind: &str, namespace: &str) -> Result<Vec<Value>, ClusterError> {
        self.connected()?.list(kind, namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ObjectName, Recorder, Refusal};
    use super::*;

    #[test]
    fn it_is_reached_once_and_only_when_needed() {
        let mut calls = 0;
        let recorder = Recorder::default();
        let mut lazy = LazyCluster::new(|| {
            calls += 1;
            if calls > 1 {
                return Ok(recorder.clone());
            }
            let object = ObjectName { kind: "K".into(), namespace: String::new(), name: "n".into() };
            Err(ClusterError::Object {
                action: "read",
                object: object.into(),
                refusal: Refusal::NodeAbsent,
                after: Default::default(),
            })
        });
        lazy.apply(vec![]).unwrap();
        assert!(lazy.get("Node", "", "n").is_err());
        assert!(lazy.get("Node", "", "n").is_ok() && lazy.get("Node", "", "n").is_ok());
        drop(lazy);
        assert_eq!(calls, 2);
    }
}
