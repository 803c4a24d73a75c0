//! The cluster seam.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::ClusterObject;

/// e
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ClusterError;

/// What phases may do to a cluster.
pub trait Cluster {
    /// a
    ///
    /// # Errors
    /// e
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<(), ClusterError>;
    /// g
    ///
    /// # Errors
    /// e
    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError>;
}

/// A cluster that is only recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    objects: Arc<Mutex<Vec<ClusterObject>>>,
}

impl Recorder {
    /// o
    pub fn objects(&self) -> Vec<ClusterObject> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
impl Cluster for Recorder {
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<(), ClusterError> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).extend(objects);
        Ok(())
    }
    fn get(&mut self, _: &str, _: &str, _: &str) -> Result<Option<Value>, ClusterError> {
        Ok(None)
    }
}
