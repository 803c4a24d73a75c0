//! What reset's phases work on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rustix::mount::UnmountFlags;

use crate::config::Paths;
use crate::host::Host;
use crate::host::cri::{CriClient, CriEndpoint, PodSandboxFilter};
use crate::output::Printer;

/// What reset's phases work on.
pub struct ResetContext {
    /// The machine.
    pub host: Box<dyn Host>,
    /// The runtime's Pods.
    pub pods: Box<dyn Pods>,
    /// Where to report.
    pub out: Printer,
    /// Where things lie.
    pub paths: Paths,
    /// Whether the certificates' folder is the usual one, whose contents are all Kubernetes'.
    pub default_certificates: bool,
    /// How mounts that are busy are taken off.
    pub unmount_flags: UnmountFlags,
    /// Whether /etc/kubernetes/tmp goes too.
    pub cleanup_tmp_dir: bool,
    /// The user has said yes, or need not be asked.
    pub confirmed: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// The Pods that a runtime runs for kubelet.
pub trait Pods {
    /// Stops and removes them all; how many there were.
    ///
    /// # Errors
    /// In words, for each that could not be removed, or why the runtime can't be asked.
    fn remove_all(&mut self) -> Result<usize, Vec<String>>;
}

/// The Pods of a CRI runtime.
pub struct RuntimePods {
    /// Its socket.
    pub socket: String,
}

/// How often a stubborn sandbox is tried, as kubeadm tries it.
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
            // What kubelet made bears its label; other sandboxes are somebody else's.
            let filter = PodSandboxFilter { labels: BTreeMap::new(), ..Default::default() };
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

/// Pods of a dry run: none are touched.
pub struct NoPods;

impl Pods for NoPods {
    fn remove_all(&mut self) -> Result<usize, Vec<String>> {
        Ok(0)
    }
}

impl ResetContext {
    /// Where a local etcd keeps its data, by its manifest; none where there is no manifest, so no etcd of ours.
    pub fn etcd_data_dir(&self) -> Option<PathBuf> {
        let text = self.host.read(&self.paths.manifests.join("etcd.yaml")).ok().flatten()?;
        let documents = crate::yaml::parse_values(&String::from_utf8_lossy(&text)).ok()?;
        let volumes = documents.first()?.pointer("/spec/volumes")?.as_array()?;
        let data = volumes.iter().find(|v| v.get("name").and_then(|n| n.as_str()) == Some("etcd-data"))?;
        data.pointer("/hostPath/path")?.as_str().map(PathBuf::from)
    }
}
