//! The cluster seam.
use std::sync::{Arc, Mutex};
/// What phases may do to a cluster.
pub trait Cluster {}

/// o
#[derive(Clone, Debug)]
pub struct ClusterObject {
    /// v
    pub value: serde_json::Value,
}
impl ClusterObject {
    /// n
    pub fn name(&self) -> String {
        String::new()
    }
    /// m
    pub fn masked(&self) -> serde_json::Value {
        self.value.clone()
    }
}

/// A cluster that is only recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    objects: Arc<Mutex<Vec<ClusterObject>>>,
}

impl Recorder {
    /// o
    pub fn objects(&self) -> Vec<ClusterObject> {
        self.objects.lock().map(|o| o.clone()).unwrap_or_default()
    }
}
impl Cluster for Recorder {}
