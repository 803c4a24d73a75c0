//! The Pods that the container runtime runs for kubelet.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cri::{
    Container, ContainerFilter, ContainerState, CriClient, CriEndpoint, PodSandboxFilter, PodSandboxState,
};

/// The Pods that a runtime runs for kubelet.
pub trait Pods {
    /// Stops and removes them all; tells how many there were.
    ///
    /// # Errors
    /// For each Pod that could not be removed, or why the runtime can't be asked.
    fn remove_all(&mut self) -> Result<usize, Vec<String>>;

    /// Stops a Pod of kube-system by its name: its containers are asked to end, and killed when `grace` is over. Tells
    /// how many containers there were.
    ///
    /// # Errors
    /// In words, when the runtime can't be asked, or a container still runs.
    fn stop(&mut self, name: &str, grace: Duration) -> Result<usize, String>;

    /// The image that a container of a Pod of kube-system runs, as the runtime calls it; none where none runs.
    ///
    /// # Errors
    /// In words, when the runtime can't be asked.
    fn image(&mut self, name: &str, container: &str) -> Result<Option<String>, String>;
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

    fn stop(&mut self, name: &str, grace: Duration) -> Result<usize, String> {
        self.ask(async |client| {
            let labels = labels(name);
            let running = running(&client, name).await?;
            for container in &running {
                client.stop_container(&container.id, grace).await.map_err(|e| e.to_string())?;
            }
            let filter = PodSandboxFilter { state: Some(PodSandboxState::Ready), labels };
            let sandboxes = client.list_pod_sandboxes(&filter).await.map_err(|e| e.to_string())?;
            for sandbox in sandboxes {
                client.stop_pod_sandbox(&sandbox.id).await.map_err(|e| e.to_string())?;
            }
            let left = self::running(&client, name).await?;
            match left.first() {
                None => Ok(running.len()),
                Some(container) => Err(format!("container {} of Pod {name} still runs", container.id)),
            }
        })
    }

    fn image(&mut self, name: &str, container: &str) -> Result<Option<String>, String> {
        self.ask(async |client| {
            let running = running(&client, name).await?;
            Ok(running.into_iter().find(|c| c.name == container).map(|c| c.image))
        })
    }
}

impl RuntimePods {
    /// Asks the runtime, in a tokio runtime of its own.
    fn ask<T>(&self, question: impl AsyncFnOnce(CriClient) -> Result<T, String>) -> Result<T, String> {
        let endpoint: CriEndpoint = self.socket.parse().map_err(|e| format!("{}: {e}", self.socket))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(async {
            let client = CriClient::connect(&endpoint).await.map_err(|e| e.to_string())?;
            question(client).await
        })
    }
}

/// The labels by which kubelet marks the sandboxes and containers of a Pod of kube-system.
fn labels(name: &str) -> BTreeMap<String, String> {
    let label = |key: &str, value: &str| (format!("io.kubernetes.pod.{key}"), value.to_owned());
    BTreeMap::from([label("name", name), label("namespace", "kube-system")])
}

async fn running(client: &CriClient, name: &str) -> Result<Vec<Container>, String> {
    let filter = ContainerFilter {
        state: Some(ContainerState::Running),
        labels: labels(name),
        ..ContainerFilter::default()
    };
    client.list_containers(&filter).await.map_err(|e| e.to_string())
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

    fn stop(&mut self, _name: &str, _grace: Duration) -> Result<usize, String> {
        Ok(0)
    }

    fn image(&mut self, _name: &str, _container: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}
