//! A cluster that is reached when it is first needed.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::{Change, Cluster, ClusterError, ClusterObject};

/// A cluster that `connect` reaches when it is first needed, or from [`Cluster::begin`] on, beside other work: the
/// files that tell how are made by earlier phases. Where that fails, the next need tries again.
pub(crate) struct LazyCluster<C, F> {
    connect: Arc<F>,
    connecting: Option<JoinHandle<Result<C, ClusterError>>>,
    connected: Option<C>,
    outlast: Option<Duration>,
}

impl<C: Cluster + Send + 'static, F: Fn() -> Result<C, ClusterError> + Send + Sync + 'static>
    LazyCluster<C, F>
{
    /// A cluster that nobody has asked for yet.
    pub(crate) fn new(connect: F) -> Self {
        Self { connect: Arc::new(connect), connecting: None, connected: None, outlast: None }
    }

    /// The cluster itself.
    ///
    /// # Errors
    /// When it can't be reached.
    pub(crate) fn connected(&mut self) -> Result<&mut C, ClusterError> {
        let cluster = match self.connected.take() {
            Some(cluster) => cluster,
            None => {
                let mut cluster = self.reach()?;
                self.outlast.into_iter().for_each(|limit| cluster.outlast(limit));
                cluster
            }
        };
        Ok(self.connected.insert(cluster))
    }

    fn reach(&mut self) -> Result<C, ClusterError> {
        if let Some(connecting) = self.connecting.take() {
            // One that failed before there was a need says nothing of now.
            let failed_earlier = connecting.is_finished();
            match connecting.join() {
                Ok(Ok(cluster)) => return Ok(cluster),
                Ok(Err(error)) if !failed_earlier => return Err(error),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        (self.connect)()
    }
}

impl<C: Cluster + Send + 'static, F: Fn() -> Result<C, ClusterError> + Send + Sync + 'static> Cluster
    for LazyCluster<C, F>
{
    fn begin(&mut self) {
        if self.connected.is_none() && self.connecting.is_none() {
            let connect = Arc::clone(&self.connect);
            self.connecting = Some(std::thread::spawn(move || connect()));
        }
    }

    fn outlast(&mut self, limit: Duration) {
        self.outlast = Some(limit);
        self.connected.iter_mut().for_each(|cluster| cluster.outlast(limit));
    }

    fn try_out(&mut self, object: ClusterObject) -> Result<(), ClusterError> {
        self.connected()?.try_out(object)
    }

    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
        if objects.is_empty() { Ok(vec![]) } else { self.connected()?.apply(objects) }
    }

    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        self.connected()?.get(kind, namespace, name)
    }

    fn read(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        self.connected()?.read(kind, namespace, name)
    }

    fn list(&mut self, kind: &str, namespace: &str) -> Result<Vec<Value>, ClusterError> {
        self.connected()?.list(kind, namespace)
    }

    fn for_each(
        &mut self,
        kind: &str,
        namespace: &str,
        visit: &mut dyn FnMut(Value),
    ) -> Result<(), ClusterError> {
        self.connected()?.for_each(kind, namespace, visit)
    }

    fn text(&mut self, path: &str) -> Result<String, ClusterError> {
        self.connected()?.text(path)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::{ObjectName, Recorder, Refusal};
    use super::*;

    #[test]
    fn it_is_reached_once_and_only_when_needed() {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut lazy = reached_at(2, Arc::clone(&calls));
        lazy.apply(vec![]).unwrap();
        assert!(lazy.get("Node", "", "n").is_err());
        assert!(lazy.get("Node", "", "n").is_ok() && lazy.get("Node", "", "n").is_ok());
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_was_begun_is_taken_and_what_failed_before_the_need_is_tried_again() {
        for (reached_at_call, expected) in [(1, 1), (2, 2)] {
            let calls = Arc::new(AtomicUsize::new(0));
            let mut lazy = reached_at(reached_at_call, Arc::clone(&calls));
            lazy.begin();
            lazy.begin();
            while !lazy.connecting.as_ref().unwrap().is_finished() {
                std::thread::yield_now();
            }
            assert!(lazy.get("Node", "", "n").is_ok());
            lazy.begin();
            assert_eq!(calls.load(Ordering::Relaxed), expected);
        }
    }

    /// A cluster that is reached by the given call, and by none before.
    fn reached_at(
        call: usize,
        calls: Arc<AtomicUsize>,
    ) -> LazyCluster<Recorder, impl Fn() -> Result<Recorder, ClusterError> + Send + Sync + 'static> {
        LazyCluster::new(move || {
            if calls.fetch_add(1, Ordering::Relaxed) + 1 >= call {
                return Ok(Recorder::default());
            }
            let object = ObjectName { kind: "K".into(), namespace: String::new(), name: "n".into() };
            Err(ClusterError::Object {
                action: "read",
                object: object.into(),
                refusal: Refusal::NodeAbsent,
                after: Default::default(),
            })
        })
    }
}
