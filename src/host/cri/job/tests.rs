use std::sync::Mutex;

use prost::Message;
use tonic::Status;

use super::*;
use crate::host::cri::fake::{Answer, FakeRuntime, message};
use crate::host::{ContainerRuntime, CriRuntime};

fn job() -> ContainerJob {
    ContainerJob {
        name: "etcdutl".into(),
        image: "r/etcd:3.6.8-0".into(),
        command: vec!["etcdutl".into(), "version".into()],
        mounts: vec![JobMount { host: "/a".into(), container: "/b".into(), read_only: true }],
        limit: Duration::from_secs(5),
    }
}

/// A runtime that holds the image, and whose container ends with a code, or never.
fn runtime(exit_code: Option<i32>) -> FakeRuntime {
    let directory = Mutex::new(String::new());
    FakeRuntime::start(move |method, request| match method {
        "ListPodSandbox" => {
            let old = proto::PodSandbox { id: "old".into(), ..Default::default() };
            message(&proto::ListPodSandboxResponse { items: vec![old] })
        }
        "ImageStatus" => message(&proto::ImageStatusResponse {
            image: Some(proto::Image { id: "sha256:1".into(), ..Default::default() }),
        }),
        "RuntimeConfig" => Answer::Bytes(b"\x0a\x00".to_vec()),
        "RunPodSandbox" => {
            let request = proto::RunPodSandboxRequest::decode(request).unwrap();
            *directory.lock().unwrap() = request.config.unwrap().log_directory;
            message(&proto::RunPodSandboxResponse { pod_sandbox_id: "s".into() })
        }
        "CreateContainer" => message(&proto::CreateContainerResponse { container_id: "c".into() }),
        "StartContainer" => {
            let path = std::path::Path::new(&*directory.lock().unwrap()).join(log_name(&job()));
            std::fs::write(path, "2026-01-01T00:00:00Z stderr F it failed\n").unwrap();
            Answer::Bytes(vec![])
        }
        "ContainerStatus" => message(&proto::ContainerStatusResponse {
            status: Some(proto::ContainerStatus {
                id: "c".into(),
                state: if exit_code.is_some() { 2 } else { 1 },
                exit_code: exit_code.unwrap_or_default(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        "StopPodSandbox" | "RemovePodSandbox" => Answer::Bytes(vec![]),
        other => Answer::Error(Status::unimplemented(other.to_owned())),
    })
}

#[tokio::test]
async fn job_is_run_to_its_end_and_its_output_given() {
    let runtime = runtime(Some(3));
    let end = run(&runtime.endpoint, &job()).await.unwrap();
    assert_eq!(end, JobEnd { exit_code: 3, output: vec!["it failed".into()] });
    let request = runtime.request::<CreateContainerRequest>("/CreateContainer");
    let config = request.config.unwrap();
    assert_eq!(config.image.unwrap().image, "sha256:1");
    assert_eq!((config.command, config.log_path.as_str()), (job().command, &*log_name(&job())));
    assert!(config.mounts[0].readonly && config.mounts[0].host_path == "/a");
    let sandbox = runtime.request::<proto::RunPodSandboxRequest>("/RunPodSandbox").config.unwrap();
    assert_eq!(sandbox.linux.unwrap().cgroup_parent, SLICE, "the driver is systemd");
}

#[test]
fn jobs_run_in_the_sandbox_that_is_kept() {
    let fake = runtime(Some(0));
    let runtime = CriRuntime::new(&fake.endpoint.to_string()).unwrap();
    runtime.start_sandbox(SLICE).unwrap();
    let ends = runtime.run_together(&[job(), job()]);
    assert!(ends.len() == 2 && ends.iter().all(|end| end.as_ref().unwrap().exit_code == 0), "{ends:?}");
    assert_eq!(runtime.sandbox_removed(), Ok(()));
    let sandbox = fake.request::<proto::RunPodSandboxRequest>("/RunPodSandbox").config.unwrap();
    assert_eq!(sandbox.metadata.unwrap().name, "kubestrap-preflight");
}

#[tokio::test]
async fn job_that_runs_for_too_long_is_given_up() {
    let job = ContainerJob { limit: Duration::from_millis(50), ..job() };
    let error = run(&runtime(None).endpoint, &job).await.unwrap_err();
    assert!(matches!(error.cause, CriCause::Timeout { .. }), "{error}");
}
