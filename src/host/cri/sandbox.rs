//! Pod sandboxes: what holds a Pod's namespaces, kept alive by the pause container.

use std::collections::BTreeMap;
use std::time::Duration;

use super::proto::{
    self, ListPodSandboxRequest, RemovePodSandboxRequest, RunPodSandboxRequest, StopPodSandboxRequest,
};
use super::{CriClient, CriError, PodSandboxConfig};

/// A sandbox in the runtime's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodSandbox {
    /// The runtime's id for it.
    pub id: String,
    /// The Pod's name.
    pub name: String,
    /// The Pod's namespace.
    pub namespace: String,
    /// The Pod's UID.
    pub uid: String,
    /// Which try this is.
    pub attempt: u32,
    /// Whether it runs.
    pub state: PodSandboxState,
    /// When it was created, in nanoseconds since the epoch.
    pub created_at_ns: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Whether a sandbox runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PodSandboxState {
    /// Its pause container runs.
    Ready,
    /// It does not.
    NotReady,
}

impl PodSandboxState {
    // A state that CRI v1 does not know is at any rate not the one it calls ready.
    fn from_wire(state: i32) -> Self {
        if state == proto::PodSandboxState::Ready as i32 { Self::Ready } else { Self::NotReady }
    }

    fn wire(self) -> proto::PodSandboxStateValue {
        let state = match self {
            Self::Ready => proto::PodSandboxState::Ready,
            Self::NotReady => proto::PodSandboxState::NotReady,
        };
        proto::PodSandboxStateValue { state: state.into() }
    }
}

/// Which sandboxes to list; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PodSandboxFilter {
    /// Only those in this state.
    pub state: Option<PodSandboxState>,
    /// Only those with all of these labels.
    pub labels: BTreeMap<String, String>,
}

impl From<proto::PodSandbox> for PodSandbox {
    fn from(sandbox: proto::PodSandbox) -> Self {
        let metadata = sandbox.metadata.unwrap_or_default();
        Self {
            id: sandbox.id,
            name: metadata.name,
            namespace: metadata.namespace,
            uid: metadata.uid,
            attempt: metadata.attempt,
            state: PodSandboxState::from_wire(sandbox.state),
            created_at_ns: sandbox.created_at,
            labels: sandbox.labels,
            annotations: sandbox.annotations,
        }
    }
}

impl CriClient {
    /// The sandboxes that match.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn list_pod_sandboxes(
        &self,
        filter: &PodSandboxFilter,
    ) -> Result<Vec<PodSandbox>, CriError> {
        let filter = proto::PodSandboxFilter {
            id: String::new(),
            state: filter.state.map(PodSandboxState::wire),
            label_selector: filter.labels.clone(),
        };
        let reply = self.ask(ListPodSandboxRequest { filter: Some(filter) }).await?;
        Ok(reply.items.into_iter().map(Into::into).collect())
    }

    /// Creates and starts a sandbox; gives its id. Once it returns, the sandbox is ready.
    ///
    /// # Errors
    /// When the call fails, with the runtime's reason: a missing pause image, a cgroup that can't be made, a
    /// network plugin that is not set up.
    pub(crate) async fn run_pod_sandbox(&self, config: &PodSandboxConfig) -> Result<String, CriError> {
        let request = RunPodSandboxRequest { config: Some(config.into()) };
        let id = self.order(request, Duration::ZERO).await?.pod_sandbox_id;
        if id.is_empty() { Err(self.missing("RunPodSandbox", "pod_sandbox_id")) } else { Ok(id) }
    }

    /// Stops a sandbox, its containers by force. One that is gone already is no error (CRI v1).
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn stop_pod_sandbox(&self, id: &str) -> Result<(), CriError> {
        let request = StopPodSandboxRequest { pod_sandbox_id: id.to_owned() };
        self.order(request, Duration::ZERO).await.map(drop)
    }

    /// Removes a sandbox with its containers. One that is gone already is no error (CRI v1).
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn remove_pod_sandbox(&self, id: &str) -> Result<(), CriError> {
        let request = RemovePodSandboxRequest { pod_sandbox_id: id.to_owned() };
        self.order(request, Duration::ZERO).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;
    use crate::host::cri::CriCause;
    use crate::host::cri::fake::{self, Answer, FakeRuntime};

    fn labels() -> BTreeMap<String, String> {
        BTreeMap::from([("tier".to_owned(), "control-plane".to_owned())])
    }

    fn metadata() -> proto::PodSandboxMetadata {
        proto::PodSandboxMetadata { name: "etcd".into(), uid: "u".into(), namespace: "ns".into(), attempt: 2 }
    }

    fn sandbox(state: PodSandboxState) -> PodSandbox {
        PodSandbox {
            id: "s1".into(),
            name: "etcd".into(),
            namespace: "ns".into(),
            uid: "u".into(),
            attempt: 2,
            state,
            created_at_ns: 5,
            labels: labels(),
            annotations: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn lists_what_the_filter_asks_for() {
        let runtime = FakeRuntime::start(|_, _| {
            fake::message(&proto::ListPodSandboxResponse {
                items: vec![proto::PodSandbox {
                    id: "s1".into(),
                    metadata: Some(metadata()),
                    state: 1,
                    created_at: 5,
                    labels: labels(),
                    annotations: BTreeMap::new(),
                }],
            })
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let filter = PodSandboxFilter { state: Some(PodSandboxState::NotReady), labels: labels() };
        let listed = client.list_pod_sandboxes(&filter).await.unwrap();
        assert_eq!(listed, [sandbox(PodSandboxState::NotReady)]);
        let sent = runtime.request::<ListPodSandboxRequest>("/ListPodSandbox").filter.unwrap();
        assert_eq!((sent.id.as_str(), sent.state.unwrap().state, sent.label_selector), ("", 1, labels()));
    }

    #[tokio::test]
    async fn runs_on_the_hosts_network_with_a_process_of_its_own() {
        let runtime = FakeRuntime::start(|_, _| Answer::Bytes(b"\x0a\x02s1".to_vec()));
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let config = PodSandboxConfig {
            name: "etcd".into(),
            namespace: "ns".into(),
            uid: "u".into(),
            attempt: 2,
            cgroup_parent: "/kubepods".into(),
            host_network: true,
            labels: labels(),
            ..PodSandboxConfig::default()
        };
        assert_eq!(client.run_pod_sandbox(&config).await.unwrap(), "s1");
        let sent = runtime.request::<RunPodSandboxRequest>("/RunPodSandbox").config.unwrap();
        assert_eq!((sent.metadata, sent.labels), (Some(metadata()), labels()));
        let linux = sent.linux.unwrap();
        assert_eq!(linux.cgroup_parent, "/kubepods");
        let security = linux.security_context.unwrap();
        let namespaces = security.namespace_options.unwrap();
        assert_eq!((namespaces.network, namespaces.pid, namespaces.ipc), (2, 0, 0));
        assert_eq!(security.seccomp.unwrap().profile_type, 0);
    }

    #[tokio::test]
    async fn a_sandbox_that_fails_says_why() {
        let runtime = FakeRuntime::start(|method, _| match method {
            "RunPodSandbox" => Answer::Error(Status::unknown("failed to get sandbox image \"r/pause:3\"")),
            _ => Answer::Error(Status::not_found("no such sandbox")),
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let error = client.run_pod_sandbox(&PodSandboxConfig::default()).await.unwrap_err();
        let message = "failed to get sandbox image \"r/pause:3\"".to_owned();
        assert_eq!(error.call, "RunPodSandbox");
        assert_eq!(error.cause, CriCause::Rpc { code: Code::Unknown, message });
        assert_eq!(
            error.to_string(),
            format!(
                "container runtime at `{}`, RunPodSandbox: Unknown: failed to get sandbox image \"r/pause:3\"",
                runtime.endpoint
            )
        );
    }

    #[tokio::test]
    async fn stops_and_removes_by_id() {
        let runtime = FakeRuntime::start(|_, _| Answer::Bytes(Vec::new()));
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        client.stop_pod_sandbox("s1").await.unwrap();
        client.remove_pod_sandbox("s2").await.unwrap();
        assert_eq!(runtime.request::<StopPodSandboxRequest>("/StopPodSandbox").pod_sandbox_id, "s1");
        assert_eq!(runtime.request::<RemovePodSandboxRequest>("/RemovePodSandbox").pod_sandbox_id, "s2");
        // A reply without the id that makes a sandbox usable.
        let error = client.run_pod_sandbox(&PodSandboxConfig::default()).await.unwrap_err();
        assert!(matches!(error.cause, CriCause::BadReply { .. }), "{error}");
    }
}
