//! The container runtime, asked for what the checks need: each call is a short conversation of its own, since checks
//! run in threads.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::host::cri::{
    CriCause, CriClient, CriEndpoint, CriError, PodSandboxConfig, PodSandboxFilter, RuntimeVersion,
};
use crate::host::machine::RuntimeFacts;

/// Marks our own sandboxes, so that one whose run was killed is found by the next.
const LABEL: &str = "kubestrap.dev/preflight";

/// How long the runtime may take to answer a question: longer than kubeadm's 2 s, which tries again where we do not. On a
/// slow machine that has just started a runtime needs some seconds.
const FACTS_LIMIT: Duration = Duration::from_secs(8);

/// How long the runtime may take to start a sandbox, the pull of its image included.
const SANDBOX_LIMIT: Duration = Duration::from_secs(40);

/// How long a pull may take that is only a test.
const PULL_LIMIT: Duration = Duration::from_secs(12);

/// What the runtime says about itself.
pub(crate) fn facts(endpoint: &CriEndpoint) -> Result<RuntimeFacts, CriError> {
    talk(endpoint, async {
        let client = CriClient::connect(endpoint).await?.with_timeout(FACTS_LIMIT);
        // The version comes first: its error tells best what is wrong.
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

/// Starts a sandbox on the host's network, as those of the control plane are; its id.
pub(crate) fn start_sandbox(endpoint: &CriEndpoint, parent: &str) -> Result<String, CriError> {
    talk(endpoint, async {
        let client = CriClient::connect(endpoint).await?.with_timeout(SANDBOX_LIMIT);
        let labels = BTreeMap::from([(LABEL.to_owned(), "true".to_owned())]);
        let filter = PodSandboxFilter { labels: labels.clone(), ..PodSandboxFilter::default() };
        for old in client.list_pod_sandboxes(&filter).await? {
            // Of a run at this moment: it does not mind, its own removal is no error either.
            remove(&client, &old.id).await?;
        }
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let config = PodSandboxConfig {
            name: "kubestrap-preflight".into(),
            namespace: "default".into(),
            uid: format!("{}-{nanos}", std::process::id()),
            cgroup_parent: parent.into(),
            host_network: true,
            labels,
            ..PodSandboxConfig::default()
        };
        client.run_pod_sandbox(&config).await
    })
}

/// Removes a sandbox.
pub(crate) fn remove_sandbox(endpoint: &CriEndpoint, id: &str) -> Result<(), CriError> {
    talk(endpoint, async {
        let client = CriClient::connect(endpoint).await?.with_timeout(SANDBOX_LIMIT);
        remove(&client, id).await
    })
}

async fn remove(client: &CriClient, id: &str) -> Result<(), CriError> {
    client.stop_pod_sandbox(id).await?;
    client.remove_pod_sandbox(id).await
}

/// Pulls an image.
pub(crate) fn pull(endpoint: &CriEndpoint, image: &str) -> Result<(), CriError> {
    talk(endpoint, async {
        let client = CriClient::connect(endpoint).await?;
        match tokio::time::timeout(PULL_LIMIT, client.pull_image(image)).await {
            Ok(result) => result.map(drop),
            Err(_) => Err(failed(endpoint, "PullImage", CriCause::Timeout { after: PULL_LIMIT })),
        }
    })
}

fn talk<T>(
    endpoint: &CriEndpoint,
    conversation: impl Future<Output = Result<T, CriError>>,
) -> Result<T, CriError> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(conversation),
        Err(error) => Err(failed(endpoint, "connect", CriCause::Connection { message: error.to_string() })),
    }
}

fn failed(endpoint: &CriEndpoint, call: &'static str, cause: CriCause) -> CriError {
    CriError { endpoint: endpoint.clone(), call, cause }
}
