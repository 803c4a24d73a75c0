//! Containers of Pods (the pause containers are not among them: those are sandboxes).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::proto::{self, ContainerStatusRequest, ListContainersRequest, StopContainerRequest};
use super::{CriClient, CriError};

/// A container in the runtime's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    /// The runtime's id for it.
    pub id: String,
    /// The sandbox it is in.
    pub sandbox_id: String,
    /// Its name in the Pod.
    pub name: String,
    /// Which try this is: kubelet counts restarts here.
    pub attempt: u32,
    /// The image as the Pod names it, where the runtime remembers that, else as the runtime does.
    pub image: String,
    /// Its state.
    pub state: ContainerState,
    /// When it was created, in nanoseconds since the epoch.
    pub created_at_ns: i64,
    /// Labels; kubelet's say which Pod this is (`io.kubernetes.pod.name`, …).
    pub labels: BTreeMap<String, String>,
}

/// One container in detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerStatus {
    /// The runtime's id for it.
    pub id: String,
    /// Its name in the Pod.
    pub name: String,
    /// Which try this is: kubelet counts restarts here.
    pub attempt: u32,
    /// The image as the Pod names it, where the runtime remembers that, else as the runtime does.
    pub image: String,
    /// The image it really runs, by id or digest.
    pub image_ref: String,
    /// Its state.
    pub state: ContainerState,
    /// When it was created, in nanoseconds since the epoch.
    pub created_at_ns: i64,
    /// When it started, in nanoseconds since the epoch, if it did.
    pub started_at_ns: Option<i64>,
    /// When it ended, in nanoseconds since the epoch, if it did.
    pub finished_at_ns: Option<i64>,
    /// Its exit code, if it has exited.
    pub exit_code: Option<i32>,
    /// One CamelCase word on why it is in this state, such as `OOMKilled` or `StartError`.
    pub reason: String,
    /// The same for people.
    pub message: String,
    /// The file its output goes to; read it with [`super::log::tail`].
    pub log_path: Option<PathBuf>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Free-form values, mostly JSON, which a runtime gives only when asked to be verbose.
    pub info: BTreeMap<String, String>,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerState {
    /// Created, not started.
    Created,
    /// Running.
    Running,
    /// Ended.
    Exited,
    /// The runtime can't tell.
    Unknown,
}

impl ContainerState {
    fn from_wire(state: i32) -> Self {
        match proto::ContainerState::try_from(state) {
            Ok(proto::ContainerState::Created) => Self::Created,
            Ok(proto::ContainerState::Running) => Self::Running,
            Ok(proto::ContainerState::Exited) => Self::Exited,
            Ok(proto::ContainerState::Unknown) | Err(_) => Self::Unknown,
        }
    }

    fn wire(self) -> proto::ContainerStateValue {
        let state = match self {
            Self::Created => proto::ContainerState::Created,
            Self::Running => proto::ContainerState::Running,
            Self::Exited => proto::ContainerState::Exited,
            Self::Unknown => proto::ContainerState::Unknown,
        };
        proto::ContainerStateValue { state: state.into() }
    }
}

/// Which containers to list; the default is all, ended ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ContainerFilter {
    /// Only those in this state.
    pub state: Option<ContainerState>,
    /// Only those in this sandbox.
    pub sandbox_id: Option<String>,
    /// Only those with all of these labels.
    pub labels: BTreeMap<String, String>,
}

impl From<proto::Container> for Container {
    fn from(container: proto::Container) -> Self {
        let metadata = container.metadata.unwrap_or_default();
        Self {
            id: container.id,
            sandbox_id: container.pod_sandbox_id,
            name: metadata.name,
            attempt: metadata.attempt,
            image: image_name(container.image),
            state: ContainerState::from_wire(container.state),
            created_at_ns: container.created_at,
            labels: container.labels,
        }
    }
}

impl From<proto::ContainerStatusResponse> for Option<ContainerStatus> {
    fn from(reply: proto::ContainerStatusResponse) -> Self {
        let status = reply.status?;
        let metadata = status.metadata.unwrap_or_default();
        let state = ContainerState::from_wire(status.state);
        Some(ContainerStatus {
            id: status.id,
            name: metadata.name,
            attempt: metadata.attempt,
            image: image_name(status.image),
            image_ref: status.image_ref,
            state,
            created_at_ns: status.created_at,
            // CRI v1: 0 stands for "not specified", and the exit code means something only once it has ended.
            started_at_ns: Some(status.started_at).filter(|at| *at != 0),
            finished_at_ns: Some(status.finished_at).filter(|at| *at != 0),
            exit_code: (state == ContainerState::Exited).then_some(status.exit_code),
            reason: status.reason,
            message: status.message,
            log_path: Some(status.log_path).filter(|path| !path.is_empty()).map(Into::into),
            labels: status.labels,
            annotations: status.annotations,
            info: reply.info,
        })
    }
}

/// kubelet asks for images by id and puts the Pod's own word for it beside.
fn image_name(image: Option<proto::ImageSpec>) -> String {
    let image = image.unwrap_or_default();
    if image.user_specified_image.is_empty() { image.image } else { image.user_specified_image }
}

impl CriClient {
    /// The containers that match.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<Container>, CriError> {
        let filter = proto::ContainerFilter {
            id: String::new(),
            state: filter.state.map(ContainerState::wire),
            pod_sandbox_id: filter.sandbox_id.clone().unwrap_or_default(),
            label_selector: filter.labels.clone(),
        };
        let reply = self.ask(ListContainersRequest { filter: Some(filter) }).await?;
        Ok(reply.containers.into_iter().map(Into::into).collect())
    }

    /// One container in detail; `verbose` adds [`ContainerStatus::info`].
    ///
    /// # Errors
    /// When there is none or the call fails.
    pub(crate) async fn container_status(
        &self,
        id: &str,
        verbose: bool,
    ) -> Result<ContainerStatus, CriError> {
        let request = ContainerStatusRequest { container_id: id.to_owned(), verbose };
        let reply = self.ask(request).await?;
        Option::from(reply).ok_or_else(|| self.missing("ContainerStatus", "status"))
    }

    /// Stops a container: it is asked to end, and killed when `grace` (whole seconds) is over. The call's own
    /// limit comes on top of that.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn stop_container(&self, id: &str, grace: Duration) -> Result<(), CriError> {
        let timeout = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX);
        let request = StopContainerRequest { container_id: id.to_owned(), timeout };
        self.order(request, grace).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::cri::fake::{self, FakeRuntime};

    #[tokio::test]
    async fn lists_what_the_filter_asks_for() {
        let runtime = FakeRuntime::start(|_, _| {
            let container = |id: &str, state: i32, image: proto::ImageSpec| proto::Container {
                id: id.into(),
                pod_sandbox_id: "s1".into(),
                metadata: Some(proto::ContainerMetadata { name: "etcd".into(), attempt: 3 }),
                image: Some(image),
                state,
                created_at: 5,
                ..proto::Container::default()
            };
            let by_id = proto::ImageSpec {
                image: "sha256:1".into(),
                user_specified_image: "r/etcd:3".into(),
                ..proto::ImageSpec::default()
            };
            let by_name = proto::ImageSpec { image: "r/etcd:2".into(), ..proto::ImageSpec::default() };
            let containers = vec![container("c1", 1, by_id), container("c2", 9, by_name)];
            fake::message(&proto::ListContainersResponse { containers })
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let filter = ContainerFilter {
            state: Some(ContainerState::Exited),
            sandbox_id: Some("s1".into()),
            labels: BTreeMap::from([("io.kubernetes.container.name".to_owned(), "etcd".to_owned())]),
        };
        let listed = client.list_containers(&filter).await.unwrap();
        let want = Container {
            id: "c1".into(),
            sandbox_id: "s1".into(),
            name: "etcd".into(),
            attempt: 3,
            image: "r/etcd:3".into(),
            state: ContainerState::Running,
            created_at_ns: 5,
            labels: BTreeMap::new(),
        };
        let second = Container {
            id: "c2".into(),
            image: "r/etcd:2".into(),
            state: ContainerState::Unknown,
            ..want.clone()
        };
        assert_eq!(listed, [want, second]);
        let sent = runtime.request::<ListContainersRequest>("/ListContainers").filter.unwrap();
        assert_eq!((sent.pod_sandbox_id.as_str(), sent.state.unwrap().state), ("s1", 2));
        assert_eq!(sent.label_selector, filter.labels);
    }

    #[tokio::test]
    async fn exit_code_and_times_only_when_there_are_any() {
        let runtime = FakeRuntime::start(|_, request| {
            let ended = request.windows(2).any(|w| w == b"c2");
            let status = proto::ContainerStatus {
                id: if ended { "c2".into() } else { "c1".into() },
                state: if ended { 2 } else { 1 },
                created_at: 5,
                started_at: 6,
                finished_at: if ended { 7 } else { 0 },
                exit_code: if ended { 137 } else { 0 },
                reason: if ended { "OOMKilled".into() } else { String::new() },
                log_path: if ended { "/var/log/pods/x/etcd/0.log".into() } else { String::new() },
                ..proto::ContainerStatus::default()
            };
            fake::message(&proto::ContainerStatusResponse { status: Some(status), info: BTreeMap::new() })
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let running = client.container_status("c1", false).await.unwrap();
        assert_eq!(running.state, ContainerState::Running);
        assert_eq!((running.started_at_ns, running.finished_at_ns), (Some(6), None));
        assert_eq!((running.exit_code, running.log_path), (None, None));

        let ended = client.container_status("c2", false).await.unwrap();
        assert_eq!((ended.state, ended.exit_code), (ContainerState::Exited, Some(137)));
        assert_eq!((ended.finished_at_ns, ended.reason.as_str()), (Some(7), "OOMKilled"));
        assert_eq!(ended.log_path, Some("/var/log/pods/x/etcd/0.log".into()));
    }
}
