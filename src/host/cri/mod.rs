//! The container runtime, asked over its CRI v1 socket.
//!
//! [`CriEndpoint`] says where a runtime listens, and [`CriClient`] is the conversation: [runtime](RuntimeStatus),
//! [images](ImageInfo), [sandboxes](PodSandbox) and [containers](Container). [`log`] reads what containers wrote.
//! Results are plain structs; the gRPC messages stay inside.

#[cfg(test)]
mod any_answer;
mod client;
mod container;
pub(crate) mod conversation;
mod endpoint;
mod error;
#[cfg(test)]
mod fake;
mod image;
pub(crate) mod job;
pub mod log;
mod proto;
mod runtime;
mod sandbox;
mod sandbox_config;

pub use client::{CALL_TIMEOUT, CriClient, WORK_TIMEOUT};
pub use container::{Container, ContainerFilter, ContainerState, ContainerStatus};
pub use endpoint::{CriEndpoint, EndpointError, KNOWN_SOCKETS};
pub use error::{CriCause, CriError};
pub use image::{FilesystemUsage, ImageFsInfo, ImageInfo};
pub use job::{ContainerJob, JobEnd, JobMount};
pub use runtime::{CgroupDriver, Condition, RuntimeStatus, RuntimeVersion};
pub use sandbox::{PodSandbox, PodSandboxFilter, PodSandboxState, PodSandboxStatus};
pub use sandbox_config::PodSandboxConfig;
pub use tonic::Code;
