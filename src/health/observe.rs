//! How far each component has come.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::cri::{
    Container, ContainerFilter, ContainerState, CriClient, PodSandboxFilter, PodSandboxState,
};
use crate::manifest::Component;

use super::endpoint::{Answer, Endpoint};

/// How often a probe has to fail in a row until it counts; kubeadm's manifests say 8 times and 24 times.
const PROBES: usize = 3;
/// How long between two of them.
const PROBE_PERIOD: Duration = Duration::from_secs(1);

/// How far a component has come; ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Its manifest exists; kubelet has not acted on it yet.
    #[default]
    Manifest,
    /// Its sandbox exists; the image is being pulled or the container created.
    Sandbox,
    /// Its container was started and ended.
    Exited,
    /// Its container runs.
    Running,
    /// It reports that it is healthy.
    Healthy,
}

impl Stage {
    /// The stage in a reader's words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Manifest => "waiting for kubelet",
            Self::Sandbox => "sandbox up, starting the container",
            Self::Exited => "container ended",
            Self::Running => "running, not healthy yet",
            Self::Healthy => "healthy",
        }
    }
}

/// A container of a component, as the runtime sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerView {
    /// Its id.
    pub id: String,
    /// When it was created, in nanoseconds since 1970.
    pub created_at_ns: i64,
    /// How often it was started before.
    pub attempt: u32,
    /// Its exit code, if it ended.
    pub exit_code: Option<i32>,
    /// Why it ended, or could not start, in the runtime's words.
    pub reason: String,
    /// Its log file.
    pub log: Option<PathBuf>,
}

/// The state of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentState {
    /// How far it has come.
    pub stage: Stage,
    /// The last answer of its health endpoint, if it is not healthy.
    pub health: String,
    /// That answer did not come in time, which on a busy machine says nothing.
    pub late: bool,
    /// Its newest container.
    pub container: Option<ContainerView>,
    /// The newest of its containers that have exited: its last log lines say why.
    pub ended: Option<ContainerView>,
}

/// How far each component has come, and kubelet (none); more is further.
pub(crate) type Progress = BTreeMap<Option<Component>, usize>;

/// The state of everything at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What keeps kubelet from being healthy; none when it is.
    pub kubelet: Option<String>,
    /// What keeps the runtime from answering; none when it answers.
    pub runtime: Option<String>,
    /// The components.
    pub components: BTreeMap<Component, ComponentState>,
}

impl Snapshot {
    /// How far each has come: it grows as the control plane comes up.
    pub fn progress(&self) -> Progress {
        let components = self.components.iter().map(|(component, c)| (Some(*component), c.stage as usize));
        components.chain([(None, usize::from(self.kubelet.is_none()))]).collect()
    }

    /// Whether kubelet and every component are healthy.
    pub fn healthy(&self) -> bool {
        self.kubelet.is_none() && self.components.values().all(|c| c.stage == Stage::Healthy)
    }
}

/// Asks kubelet, the runtime and the components for their state.
pub(crate) struct Observer {
    /// kubelet's health endpoint; none when it is turned off.
    pub kubelet: Option<Endpoint>,
    /// The runtime, or why it could not be reached.
    pub runtime: Result<CriClient, String>,
    /// The components' health endpoints.
    pub components: Vec<(Component, Endpoint)>,
    /// What kubelet's probes ask, where that is something else.
    pub probes: Vec<(Component, Endpoint)>,
    /// The Node's name, by which static Pods are called.
    pub node_name: String,
    /// When the machine was booted, in nanoseconds since 1970, if that is known.
    pub booted_at_ns: Option<i64>,
}

impl Observer {
    /// Asks them all at once.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let answers = async {
            let mut tasks = tokio::task::JoinSet::new();
            for (component, endpoint) in self.components.iter().cloned() {
                tasks.spawn(async move { (component, endpoint.ask().await) });
            }
            tasks.join_all().await
        };
        let kubelet = async {
            match &self.kubelet {
                Some(endpoint) => endpoint.ask().await,
                None => Answer::Healthy,
            }
        };
        let (answers, kubelet, runtime) = tokio::join!(answers, kubelet, self.pods());
        let mut snapshot = Snapshot {
            kubelet: match kubelet {
                Answer::Healthy => None,
                Answer::Unhealthy(why) | Answer::Silent(why) | Answer::Late(why) => Some(why),
            },
            runtime: None,
            components: BTreeMap::new(),
        };
        let mut states = match runtime {
            Ok(states) => states,
            Err(why) => {
                snapshot.runtime = Some(why);
                BTreeMap::new()
            }
        };
        for (component, answer) in answers {
            let mut state = states.remove(&component).unwrap_or_default();
            match answer {
                Answer::Healthy => state.stage = Stage::Healthy,
                Answer::Unhealthy(why) | Answer::Silent(why) => state.health = why,
                Answer::Late(why) => (state.health, state.late) = (why, true),
            }
            snapshot.components.insert(component, state);
        }
        snapshot
    }

    /// The components that kubelet will kill, since a probe of theirs fails again and again; with what it gets.
    pub(crate) async fn doomed(&self) -> BTreeMap<Component, String> {
        let mut doomed = BTreeMap::new();
        for (component, endpoint) in &self.probes {
            let mut failed = None;
            for _ in 0..PROBES {
                if failed.is_some() {
                    tokio::time::sleep(PROBE_PERIOD).await;
                }
                failed = match endpoint.ask().await {
                    Answer::Healthy | Answer::Late(_) => None,
                    Answer::Unhealthy(why) | Answer::Silent(why) => Some(why),
                };
                if failed.is_none() {
                    break;
                }
            }
            doomed.extend(failed.map(|why| (*component, why)));
        }
        doomed
    }

    /// The components' sandboxes and containers.
    async fn pods(&self) -> Result<BTreeMap<Component, ComponentState>, String> {
        let mut states = BTreeMap::new();
        let cri = self.runtime.as_ref().map_err(Clone::clone)?;
        let labels = BTreeMap::from([("io.kubernetes.pod.namespace".to_owned(), "kube-system".to_owned())]);
        let mut sandboxes = cri
            .list_pod_sandboxes(&PodSandboxFilter { labels: labels.clone(), ..Default::default() })
            .await
            .map_err(|e| e.to_string())?;
        let mut containers = cri
            .list_containers(&ContainerFilter { labels, ..Default::default() })
            .await
            .map_err(|e| e.to_string())?;
        // What ended with the machine's last boot was not ended by itself.
        let is_since = |created_at_ns: i64| self.booted_at_ns.is_none_or(|boot| created_at_ns >= boot);
        sandboxes.retain(|s| s.state == PodSandboxState::Ready || is_since(s.created_at_ns));
        containers.retain(|c| c.state == ContainerState::Running || is_since(c.created_at_ns));
        for (component, _) in &self.components {
            let name = format!("{}-{}", component.name(), self.node_name);
            let Some(_) = sandboxes.iter().find(|s| s.name == name) else { continue };
            let mut state = ComponentState { stage: Stage::Sandbox, ..ComponentState::default() };
            let own = || {
                containers.iter().filter(|c| {
                    c.labels.get("io.kubernetes.pod.name") == Some(&name) && c.name == component.name()
                })
            };
            if let Some(newest) = own().max_by_key(|c| c.created_at_ns) {
                state.stage = match newest.state {
                    ContainerState::Running => Stage::Running,
                    ContainerState::Exited => Stage::Exited,
                    _ => Stage::Sandbox,
                };
                state.container = Some(view(cri, newest).await);
            }
            let ended = own().filter(|c| c.state == ContainerState::Exited);
            if let Some(ended) = ended.max_by_key(|c| c.created_at_ns) {
                state.ended = Some(view(cri, ended).await);
            }
            states.insert(*component, state);
        }
        Ok(states)
    }
}

/// A container in detail, as far as the runtime reports it.
async fn view(cri: &CriClient, container: &Container) -> ContainerView {
    let status = cri.container_status(&container.id, false).await.ok();
    ContainerView {
        id: container.id.clone(),
        created_at_ns: container.created_at_ns,
        attempt: container.attempt,
        exit_code: status.as_ref().and_then(|s| s.exit_code),
        reason: status
            .as_ref()
            .map(|s| [s.reason.as_str(), s.message.as_str()].join(" ").trim().to_owned())
            .unwrap_or_default(),
        log: status.and_then(|s| s.log_path),
    }
}
