//! The runtime itself: version, health, configuration.

use std::collections::BTreeMap;

use super::proto::{self, RuntimeConfigRequest, StatusRequest, VersionRequest};
use super::{CriCause, CriClient, CriError};

/// Who answers at the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuntimeVersion {
    /// The runtime's name, such as `containerd`.
    pub name: String,
    /// Its own version, such as `v2.1.4`.
    pub version: String,
    /// The CRI version it speaks: `v1`.
    pub api_version: String,
}

/// The runtime's health as it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuntimeStatus {
    /// `RuntimeReady`, `NetworkReady`, and whatever else this runtime reports.
    pub conditions: Vec<Condition>,
    /// Free-form values, mostly JSON, which a runtime gives only when asked to be verbose.
    pub info: BTreeMap<String, String>,
}

/// One aspect of the runtime's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Its name, such as `RuntimeReady`.
    pub kind: String,
    /// Whether it holds.
    pub status: bool,
    /// One CamelCase word on why not.
    pub reason: String,
    /// The same for people.
    pub message: String,
}

impl RuntimeStatus {
    /// The condition `RuntimeReady`: the runtime accepts work.
    pub(crate) fn runtime_ready(&self) -> Option<&Condition> {
        self.condition("RuntimeReady")
    }

    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// The image that every sandbox runs (the pause image), if a verbose status has it: `sandboxImage` in the JSON
    /// under `config`, which is where kubeadm looks too.
    ///
    /// containerd 1.x, CRI-O and cri-dockerd put it there. containerd 2 gives it nowhere in its status (2.1.9
    /// asked, main of August 2026 read; containerd#11117): there, the image is among the [pinned](super::ImageInfo::pinned) ones.
    pub(crate) fn sandbox_image(&self) -> Option<String> {
        let config: serde_json::Value = serde_json::from_str(self.info.get("config")?).ok()?;
        let image = config.get("sandboxImage")?.as_str()?;
        (!image.is_empty()).then(|| image.to_owned())
    }
}

/// What creates the cgroups of containers. Runtime and kubelet must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CgroupDriver {
    /// systemd, through its slices and scopes.
    Systemd,
    /// The runtime itself, in the cgroup file system.
    Cgroupfs,
}

impl CgroupDriver {
    /// The name kubelet's `cgroupDriver` uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Cgroupfs => "cgroupfs",
        }
    }
}

impl std::fmt::Display for CgroupDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl CriClient {
    /// Asks who answers.
    ///
    /// # Errors
    /// When the socket does not speak CRI v1 ([`CriCause::NotCri`], [`CriCause::NotGrpc`]) or the call fails.
    pub(crate) async fn version(&self) -> Result<RuntimeVersion, CriError> {
        // The version that kubelet's own client sends, by convention.
        let reply = self.ask(VersionRequest { version: "v1".to_owned() }).await?;
        Ok(RuntimeVersion {
            name: reply.runtime_name,
            version: reply.runtime_version,
            api_version: reply.runtime_api_version,
        })
    }

    /// Asks for the runtime's health; `verbose` adds [`RuntimeStatus::info`].
    ///
    /// # Errors
    /// When the call fails or the reply has no status.
    pub(crate) async fn status(&self, verbose: bool) -> Result<RuntimeStatus, CriError> {
        let reply = self.ask(StatusRequest { verbose }).await?;
        let status = reply.status.ok_or_else(|| self.missing("Status", "status"))?;
        let conditions = status
            .conditions
            .into_iter()
            .map(|c| Condition { kind: c.r#type, status: c.status, reason: c.reason, message: c.message })
            .collect();
        Ok(RuntimeStatus { conditions, info: reply.info })
    }

    /// Asks which cgroup driver the runtime uses. `None` when it doesn't tell: containerd before 2.0 has no
    /// such call.
    ///
    /// # Errors
    /// When the call fails for another reason, or names a driver that CRI v1 doesn't know.
    pub(crate) async fn runtime_config(&self) -> Result<Option<CgroupDriver>, CriError> {
        let reply = match self.ask(RuntimeConfigRequest {}).await {
            Ok(reply) => reply,
            Err(CriError { cause: CriCause::Rpc { code: tonic::Code::Unimplemented, .. }, .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Some(linux) = reply.linux else { return Ok(None) };
        match proto::CgroupDriver::try_from(linux.cgroup_driver) {
            Ok(proto::CgroupDriver::Systemd) => Ok(Some(CgroupDriver::Systemd)),
            Ok(proto::CgroupDriver::Cgroupfs) => Ok(Some(CgroupDriver::Cgroupfs)),
            Err(_) => {
                let message = format!("unknown cgroup driver {}", linux.cgroup_driver);
                Err(self.error("RuntimeConfig", CriCause::BadReply { message }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;
    use crate::host::cri::fake::{self, Answer, FakeRuntime};

    async fn client(runtime: &FakeRuntime) -> CriClient {
        CriClient::connect(&runtime.endpoint).await.unwrap()
    }

    #[tokio::test]
    async fn version_reads_the_fields_by_their_numbers() {
        let bytes = b"\x0a\x050.1.0\x12\x0acontainerd\x1a\x052.1.9\x22\x02v1".to_vec();
        let runtime = FakeRuntime::start(move |_, _| Answer::Bytes(bytes.clone()));
        let version = client(&runtime).await.version().await.unwrap();
        let want =
            RuntimeVersion { name: "containerd".into(), version: "2.1.9".into(), api_version: "v1".into() };
        assert_eq!(version, want);
        runtime.request::<VersionRequest>("/runtime.v1.RuntimeService/Version");
    }

    #[tokio::test]
    async fn status_gives_conditions_and_info() {
        let condition = |kind: &str, status: bool, reason: &str| proto::RuntimeCondition {
            r#type: kind.into(),
            status,
            reason: reason.into(),
            message: String::new(),
        };
        let status = proto::RuntimeStatus {
            conditions: vec![
                condition("RuntimeReady", true, ""),
                condition("NetworkReady", false, "NetworkPluginNotReady"),
            ],
        };
        let info = BTreeMap::from([("config".to_owned(), r#"{"sandboxImage":"r/pause:3.9"}"#.to_owned())]);
        let runtime = FakeRuntime::start(move |_, _| {
            fake::message(&proto::StatusResponse { status: Some(status.clone()), info: info.clone() })
        });
        let status = client(&runtime).await.status(true).await.unwrap();
        assert!(status.runtime_ready().unwrap().status);
        let network = status.conditions.iter().find(|c| c.kind == "NetworkReady").unwrap();
        assert!(!network.status);
        assert_eq!(network.reason, "NetworkPluginNotReady");
        assert_eq!(status.sandbox_image().as_deref(), Some("r/pause:3.9"));
        assert!(runtime.request::<StatusRequest>("/Status").verbose);
    }

    #[tokio::test]
    async fn status_reply_without_a_status_is_an_error() {
        let runtime = FakeRuntime::start(|_, _| Answer::Bytes(Vec::new()));
        let error = client(&runtime).await.status(false).await.unwrap_err();
        assert_eq!(error.cause, CriCause::BadReply { message: "it has no `status`".to_owned() });
    }

    #[test]
    fn sandbox_image_is_none_where_the_runtime_does_not_tell() {
        let image = |config: &str| {
            let info = BTreeMap::from([("config".to_owned(), config.to_owned())]);
            RuntimeStatus { conditions: Vec::new(), info }.sandbox_image()
        };
        // The last is how containerd 2.1.9's begins.
        for config in
            ["", "null", "{}", r#"{"sandboxImage":""}"#, r#"{"containerd":{"defaultRuntimeName":"runc"}}"#]
        {
            assert_eq!(image(config), None, "from {config:?}");
        }
        assert_eq!(RuntimeStatus { conditions: Vec::new(), info: BTreeMap::new() }.sandbox_image(), None);
    }

    #[tokio::test]
    async fn runtime_config_names_the_driver() {
        // Field 1 (linux), in it field 1 (cgroup_driver); systemd is 0 and so not on the wire.
        for (bytes, want) in [
            (b"\x0a\x00".as_slice(), Some(CgroupDriver::Systemd)),
            (b"\x0a\x02\x08\x01", Some(CgroupDriver::Cgroupfs)),
            (b"", None),
        ] {
            let runtime = FakeRuntime::start(move |_, _| Answer::Bytes(bytes.to_vec()));
            assert_eq!(client(&runtime).await.runtime_config().await.unwrap(), want);
        }
    }

    #[tokio::test]
    async fn runtime_config_that_is_not_implemented_or_not_known() {
        let words = "unknown method RuntimeConfig for service runtime.v1.RuntimeService";
        let runtime = FakeRuntime::start(move |_, _| Answer::Error(Status::unimplemented(words)));
        assert_eq!(client(&runtime).await.runtime_config().await.unwrap(), None);

        let runtime = FakeRuntime::start(|_, _| Answer::Bytes(b"\x0a\x02\x08\x07".to_vec()));
        let error = client(&runtime).await.runtime_config().await.unwrap_err();
        assert_eq!(error.cause, CriCause::BadReply { message: "unknown cgroup driver 7".to_owned() });
    }
}
