//! What phases may do to a cluster.

use std::time::Duration;

use serde_json::Value;

use super::{Change, ClusterError, ClusterObject};

/// A cluster, or a dry run of one.
pub(crate) trait Cluster {
    /// Begins to reach the cluster, beside other work, so that it is at hand when it is needed. What fails is tried
    /// again then.
    fn begin(&mut self) {}

    /// From here on the API server may be restarted: requests that fail are repeated for `limit`, also where it refuses a
    /// client (401, 403), as one does that has just started.
    fn outlast(&mut self, _limit: Duration) {}

    /// Brings the objects to the cluster, each by its mode. Where they are as they should be, nothing is written.
    /// Returns those that were created or changed, in the order given.
    ///
    /// # Errors
    /// When one of them does not get there in time, or never will.
    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError>;

    /// Has the API server say what it would make of an object (`dryRun=All`), once; nothing is changed.
    ///
    /// # Errors
    /// When it would refuse it, or can't be asked.
    fn try_out(&mut self, _object: ClusterObject) -> Result<(), ClusterError> {
        Ok(())
    }

    /// An object as it is, if it is there; `namespace` is empty where the kind has none.
    ///
    /// # Errors
    /// When it can't be asked for.
    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError>;

    /// As [`Cluster::get`], of an API server that has already answered this client: that it refuses it here (401, 403) is
    /// final.
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
