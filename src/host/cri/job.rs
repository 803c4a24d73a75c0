//! A container that is run to its end, outside of any Pod of kubelet's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::proto::{self, CreateContainerRequest, NamespaceMode, StartContainerRequest};
use super::{
    CgroupDriver, CriCause, CriClient, CriEndpoint, CriError, PodSandboxConfig, PodSandboxFilter, log,
};

/// Marks the sandboxes of jobs, so that one whose run was killed is found by the next.
const LABEL: &str = "kubestrap.dev/job";
/// A slice that every machine under systemd has.
const SLICE: &str = "system.slice";
/// How long the runtime may take to start a sandbox, the pull of its image included.
const SANDBOX_LIMIT: Duration = Duration::from_secs(40);
/// How many lines of the output are given, at most.
const LINES: usize = 200;
/// How often the runtime is asked whether the container has ended.
const PERIOD: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerJob {
    /// The container's name.
    pub name: String,
    /// The image, which the runtime holds or can pull.
    pub image: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// What of this machine the container sees.
    pub mounts: Vec<JobMount>,
    /// For how long it may run.
    pub limit: Duration,
}

/// A path of this machine in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobMount {
    /// The path on this machine.
    pub host: PathBuf,
    /// The path in the container.
    pub container: PathBuf,
    /// The container can't change what is there.
    pub read_only: bool,
}

/// How a job ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobEnd {
    /// The exit code of its program.
    pub exit_code: i32,
    /// The last lines that it wrote.
    pub output: Vec<String>,
}

/// A sandbox that jobs run in.
#[derive(Debug)]
pub(crate) struct JobSandbox {
    id: String,
    config: PodSandboxConfig,
    /// The directory that the output of its containers goes to.
    logs: TempDir,
}

/// Runs a job and removes its container.
///
/// # Errors
/// When the image is missing and can't be pulled, the container can't be created or started, or runs for too long.
pub(crate) async fn run(endpoint: &CriEndpoint, job: &ContainerJob) -> Result<JobEnd, CriError> {
    let sandbox = start_anywhere(endpoint, &job.name).await?;
    let ended = run_in(endpoint, &sandbox, job).await;
    let _ = remove(endpoint, &sandbox).await;
    ended
}

/// Starts a sandbox for jobs where the runtime's cgroup driver wants it.
///
/// # Errors
/// When it can't be started.
pub(crate) async fn start_anywhere(endpoint: &CriEndpoint, name: &str) -> Result<JobSandbox, CriError> {
    // With systemd as driver a slice must be named; a runtime that does not tell its driver is tried with both.
    let driver = CriClient::connect(endpoint).await?.runtime_config().await.ok().flatten();
    let parent = if driver == Some(CgroupDriver::Systemd) { SLICE } else { "" };
    match start(endpoint, name, parent).await {
        Err(error) if driver.is_none() && error.to_string().to_lowercase().contains("slice") => {
            start(endpoint, name, SLICE).await
        }
        started => started,
    }
}

/// Starts a sandbox for jobs on the host's network, as those of the control plane are, under the cgroup `parent`; one of
/// the same name whose run was killed is removed before.
///
/// # Errors
/// When it can't be started.
pub(crate) async fn start(endpoint: &CriEndpoint, name: &str, parent: &str) -> Result<JobSandbox, CriError> {
    let client = CriClient::connect(endpoint).await?.with_timeout(SANDBOX_LIMIT);
    let labels = BTreeMap::from([(LABEL.to_owned(), name.to_owned())]);
    let filter = PodSandboxFilter { labels: labels.clone(), ..PodSandboxFilter::default() };
    for old in client.list_pod_sandboxes(&filter).await? {
        // Of a run at this moment: it does not mind, its own removal is no error either.
        stop_and_remove(&client, &old.id).await?;
    }
    // Below /run where that may be: a service of ours may have a /tmp of its own, which the runtime does not see.
    let builder = || tempfile::Builder::new().prefix("kubestrap-job-").to_owned();
    let logs = builder().tempdir_in("/run").or_else(|_| builder().tempdir()).map_err(|error| {
        let message = format!("a directory for its output can't be made: {error}");
        client.error("CreateContainer", CriCause::Connection { message })
    })?;
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let config = PodSandboxConfig {
        name: format!("kubestrap-{name}"),
        namespace: "default".into(),
        uid: format!("{}-{nanos}", std::process::id()),
        log_directory: logs.path().to_owned(),
        cgroup_parent: parent.into(),
        host_network: true,
        labels,
        ..PodSandboxConfig::default()
    };
    let id = client.run_pod_sandbox(&config).await?;
    Ok(JobSandbox { id, config, logs })
}

/// Runs a job in a sandbox.
///
/// # Errors
/// When the image is missing and can't be pulled, the container can't be created or started, or runs for too long.
pub(crate) async fn run_in(
    endpoint: &CriEndpoint,
    sandbox: &JobSandbox,
    job: &ContainerJob,
) -> Result<JobEnd, CriError> {
    let client = CriClient::connect(endpoint).await?;
    let image = match client.image_status(&job.image).await? {
        Some(image) => image.id,
        None => client.pull_image(&job.image).await?,
    };
    let request = CreateContainerRequest {
        pod_sandbox_id: sandbox.id.clone(),
        config: Some(config(job, &image)),
        sandbox_config: Some((&sandbox.config).into()),
    };
    let id = client.order(request, Duration::ZERO).await?.container_id;
    if id.is_empty() {
        return Err(client.missing("CreateContainer", "container_id"));
    }
    client.order(StartContainerRequest { container_id: id.clone() }, Duration::ZERO).await?;
    let start = Instant::now();
    loop {
        let status = client.container_status(&id, false).await?;
        if let Some(exit_code) = status.exit_code {
            let lines = log::tail(&sandbox.logs.path().join(log_name(job)), LINES).unwrap_or_default();
            return Ok(JobEnd { exit_code, output: lines.into_iter().map(|line| line.text).collect() });
        }
        if start.elapsed() > job.limit {
            return Err(client.error("ContainerStatus", CriCause::Timeout { after: job.limit }));
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Removes a sandbox with its containers. A kubelet that runs does so too, as with a Pod that it does not know; what is
/// left, the next run removes.
///
/// # Errors
/// When the runtime can't do it.
pub(crate) async fn remove(endpoint: &CriEndpoint, sandbox: &JobSandbox) -> Result<(), CriError> {
    let client = CriClient::connect(endpoint).await?.with_timeout(SANDBOX_LIMIT);
    let removed = stop_and_remove(&client, &sandbox.id).await;
    if let Err(error) = &removed {
        tracing::info!("the sandbox {} can't be removed: {error}", sandbox.config.name);
    }
    removed
}

/// The file in the log directory that a job's output goes to.
fn log_name(job: &ContainerJob) -> String {
    format!("{}.log", job.name)
}

fn config(job: &ContainerJob, image: &str) -> proto::ContainerConfig {
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let mounts = job.mounts.iter().map(|mount| proto::Mount {
        container_path: path(&mount.container),
        host_path: path(&mount.host),
        readonly: mount.read_only,
    });
    let security_context = proto::LinuxContainerSecurityContext {
        namespace_options: Some(proto::NamespaceOption {
            network: NamespaceMode::Node.into(),
            pid: NamespaceMode::Container.into(),
            ipc: NamespaceMode::Pod.into(),
        }),
        // What it reads and writes belongs to root.
        run_as_user: Some(proto::Int64Value { value: 0 }),
        seccomp: Some(proto::SecurityProfile { profile_type: proto::ProfileType::RuntimeDefault.into() }),
    };
    proto::ContainerConfig {
        metadata: Some(proto::ContainerMetadata { name: job.name.clone(), attempt: 0 }),
        image: Some(proto::ImageSpec {
            image: image.to_owned(),
            user_specified_image: job.image.clone(),
            ..proto::ImageSpec::default()
        }),
        command: job.command.clone(),
        mounts: mounts.collect(),
        labels: BTreeMap::from([(LABEL.to_owned(), job.name.clone())]),
        log_path: log_name(job),
        linux: Some(proto::LinuxContainerConfig { security_context: Some(security_context) }),
    }
}

async fn stop_and_remove(client: &CriClient, id: &str) -> Result<(), CriError> {
    client.stop_pod_sandbox(id).await?;
    client.remove_pod_sandbox(id).await
}

#[cfg(test)]
mod tests;
