//! What phases may do to a cluster.

use serde_json::Value;

use super::{Change, ClusterError, ClusterObject};

/// A cluster, or a dry run of one.
pub(crate) trait Cluster {
    /// Begins to reach the cluster, beside other work, so that it is at hand when it is needed. What fails is tried
    /// again then.
    fn begin(&mut self) {}

    /// Brings the objects to the cluster, each by its mode. Where they are as they should be, nothing is written.
    /// Returns those that were created or changed, in the order given.
    ///
    /// # Errors
    /// When one of them does not get there in time, or never will.
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError>;

    /// An object as it is, if it is there; `namespace` is empty where the kind has none.
    ///
    /// # Errors
    /// When it can't be asked for.
    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError>;

    /// As [`Cluster::get`], from a cluster that has been up: it refuses at once who it does not know (401), or who may
    /// not read this (403), where `get` outlasts an API server that has just started.
    ///
    /// # Errors
    /// When it can't be asked for, or not by us.
    fn read(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        self.get(kind, namespace, name)
    }

    /// All objects of a kind in a namespace.
    ///
    /// # Errors
    /// When they can't be asked for.
    fn list(&mut self, kind: &str, namespace: &str) -> Result<Vec<Value>, ClusterError>;

    /// Hands over all objects of a kind in a namespace, one after the other, so that not all of a large cluster's are
    /// held at once. Where the list had to be begun again, an object may come twice.
    ///
    /// # Errors
    /// When they can't be asked for.
    fn for_each(
        &mut self,
        kind: &str,
        namespace: &str,
        visit: &mut dyn FnMut(Value),
    ) -> Result<(), ClusterError> {
        self.list(kind, namespace)?.into_iter().for_each(visit);
        Ok(())
    }

    /// What the API server says at a path that is no object, such as `/metrics`; asked once. A dry run's cluster says
    /// nothing.
    ///
    /// # Errors
    /// When it can't be asked for.
    fn text(&mut self, _path: &str) -> Result<String, ClusterError> {
        Ok(String::new())
    }
}
