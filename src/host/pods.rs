//! The Pods that the container runtime runs for kubelet.

use super::cri::{CriClient, CriEndpoint, PodSandboxFilter};

/// The Pods that a runtime runs for kubelet.
pub trait Pods {
    /// Stops and removes them all; tells how many there were.
    ///
    /// # Errors
    /// For each Pod that could not be removed, or why the runtime can't be asked.
    fn remove_all(&mut self) -> Result<usize, Vec<String>>;
}

/// The Pods of a CRI runtime.
pub struct RuntimePods {
    /// Its socket.
    pub socket: String,
}

/// How often the removal of a sandbox is tried, as by kubeadm.
const TRIES: usize = 5;

impl Pods for RuntimePods {
    fn remove_all(&mut self) -> Result<usize, Vec<String>> {
        let endpoint: CriEndpoint = self.socket.parse().map_err(|e| vec![format!("{}: {e}", self.socket)])?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| vec![e.to_string()])?;
        runtime.block_on(async {
            let client = CriClient::connect(&endpoint).await.map_err(|e| vec![e.to_string()])?;
            // kubelet's sandboxes have its label; others are not removed.
            let filter = PodSandboxFilter::default();
            let sandboxes = client.list_pod_sandboxes(&filter).await.map_err(|e| vec![e.to_string()])?;
            let own = sandboxes.into_iter().filter(|s| s.labels.contains_key("io.kubernetes.pod.uid"));
            let mut tasks = tokio::task::JoinSet::new();
            for sandbox in own {
                let client = client.clone();
                tasks.spawn(async move {
                    remove(&client, &sandbox.id)
                        .await
                        .map_err(|e| format!("Pod {}/{}: {e}", sandbox.namespace, sandbox.name))
                });
            }
            let results = tasks.join_all().await;
            let count = results.len();
            let failed: Vec<String> = results.into_iter().filter_map(Result::err).collect();
            if failed.is_empty() { Ok(count) } else { Err(failed) }
        })
    }
}

async fn remove(client: &CriClient, id: &str) -> Result<(), String> {
    let mut last = String::new();
    for _ in 0..TRIES {
        let stopped = client.stop_pod_sandbox(id).await;
        match (stopped, client.remove_pod_sandbox(id).await) {
            (_, Ok(_)) => return Ok(()),
            (_, Err(error)) => last = error.to_string(),
        }
    }
    Err(last)
}

/// Removes nothing: a dry run.
pub struct NoPods;

impl Pods for NoPods {
    fn remove_all(&mut self) -> Result<usize, Vec<String>> {
        Ok(0)
    }
}
