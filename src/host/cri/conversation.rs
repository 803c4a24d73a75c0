//! Conversations with the container runtime: several calls for one purpose, each on a connection of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{
    Container, ContainerFilter, ContainerState, CriCause, CriClient, CriEndpoint, CriError, PodSandboxFilter,
    PodSandboxState, RuntimeFacts, RuntimeVersion,
};

/// How long the runtime may take to answer a question: longer than kubeadm's 2 s, which tries again where we do not. On a
/// slow machine that has just started a runtime needs some seconds.
const FACTS_LIMIT: Duration = Duration::from_secs(8);

/// How long a pull may take that is only a test.
const PULL_LIMIT: Duration = Duration::from_secs(12);

/// What the runtime says about itself.
pub(crate) async fn facts(endpoint: &CriEndpoint) -> Result<RuntimeFacts, CriError> {
    let client = CriClient::connect(endpoint).await?.with_timeout(FACTS_LIMIT);
    // The version comes first: its error says best what is wrong.
    let version = started(&client).await?;
    let (status, cgroup_driver, images, fs) = tokio::join!(
        client.status(true),
        client.runtime_config(),
        client.list_images(),
        client.image_fs_info()
    );
    Ok(RuntimeFacts {
        version,
        status: status?,
        cgroup_driver,
        images: images.unwrap_or_default(),
        image_dir: fs.ok().and_then(|fs| Some(fs.images.into_iter().next()?.mountpoint)),
    })
}

/// The version, of a runtime that may have been started a moment ago: containerd listens before its CRI plugin is ready.
async fn started(client: &CriClient) -> Result<RuntimeVersion, CriError> {
    let start = Instant::now();
    loop {
        match client.version().await {
            Err(error) if error.is_starting() && start.elapsed() < FACTS_LIMIT => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            answer => return answer,
        }
    }
}

/// Pulls an image.
pub(crate) async fn pull_once(endpoint: &CriEndpoint, image: &str) -> Result<(), CriError> {
    let client = CriClient::connect(endpoint).await?;
    match tokio::time::timeout(PULL_LIMIT, client.pull_image(image)).await {
        Ok(result) => result.map(drop),
        Err(_) => Err(failed(endpoint, "PullImage", CriCause::Timeout { after: PULL_LIMIT })),
    }
}

fn failed(endpoint: &CriEndpoint, call: &'static str, cause: CriCause) -> CriError {
    CriError { endpoint: endpoint.clone(), call, cause }
}

/// How often the removal of a sandbox is tried, as by kubeadm.
const TRIES: usize = 5;

/// Stops and removes the Pods that kubelet ran; gives their number.
///
/// # Errors
/// For each Pod that could not be removed, or why the runtime can't be asked.
pub(crate) async fn remove_pods(endpoint: &CriEndpoint) -> Result<usize, Vec<String>> {
    let client = CriClient::connect(endpoint).await.map_err(|e| vec![e.to_string()])?;
    let filter = PodSandboxFilter::default();
    let sandboxes = client.list_pod_sandboxes(&filter).await.map_err(|e| vec![e.to_string()])?;
    // kubelet's sandboxes have its label; others are not removed.
    let own = sandboxes.into_iter().filter(|s| s.labels.contains_key("io.kubernetes.pod.uid"));
    let mut tasks = tokio::task::JoinSet::new();
    for sandbox in own {
        let client = client.clone();
        tasks.spawn(async move {
            let removed = remove_pod(&client, &sandbox.id).await;
            removed.map_err(|e| format!("Pod {}/{}: {e}", sandbox.namespace, sandbox.name))
        });
    }
    let results = tasks.join_all().await;
    let count = results.len();
    let failed: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(count) } else { Err(failed) }
}

/// Stops a Pod of kube-system: its containers are asked to end, and killed when `grace` is over. Gives the ids of those
/// that still run.
pub(crate) async fn stop_pod(
    endpoint: &CriEndpoint,
    name: &str,
    grace: Duration,
) -> Result<Vec<String>, CriError> {
    let client = CriClient::connect(endpoint).await?;
    end(&client, name, grace).await?;
    let filter = PodSandboxFilter { state: Some(PodSandboxState::Ready), labels: labels(name) };
    for sandbox in client.list_pod_sandboxes(&filter).await? {
        client.stop_pod_sandbox(&sandbox.id).await?;
    }
    Ok(running(&client, name).await?.into_iter().map(|container| container.id).collect())
}

/// Ends the containers of a Pod of kube-system alone: where kubelet runs, it starts them again.
pub(crate) async fn end_containers(
    endpoint: &CriEndpoint,
    name: &str,
    grace: Duration,
) -> Result<(), CriError> {
    end(&CriClient::connect(endpoint).await?, name, grace).await
}

async fn end(client: &CriClient, name: &str, grace: Duration) -> Result<(), CriError> {
    for container in running(client, name).await? {
        client.stop_container(&container.id, grace).await?;
    }
    Ok(())
}

/// The image that a container of a Pod of kube-system runs; none where none runs.
pub(crate) async fn running_image(
    endpoint: &CriEndpoint,
    name: &str,
    container: &str,
) -> Result<Option<String>, CriError> {
    let client = CriClient::connect(endpoint).await?;
    let running = running(&client, name).await?;
    Ok(running.into_iter().find(|c| c.name == container).map(|c| c.image))
}

/// The labels by which kubelet marks the sandboxes and containers of a Pod of kube-system.
fn labels(name: &str) -> BTreeMap<String, String> {
    let label = |key: &str, value: &str| (format!("io.kubernetes.pod.{key}"), value.to_owned());
    BTreeMap::from([label("name", name), label("namespace", "kube-system")])
}

async fn running(client: &CriClient, name: &str) -> Result<Vec<Container>, CriError> {
    let state = Some(ContainerState::Running);
    client.list_containers(&ContainerFilter { state, labels: labels(name), ..Default::default() }).await
}

async fn remove_pod(client: &CriClient, id: &str) -> Result<(), String> {
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
