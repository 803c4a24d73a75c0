//! The container runtime, asked over its CRI v1 socket.
//!
//! [`CriEndpoint`] says where a runtime listens, and [`CriClient`] is the conversation: [runtime](RuntimeStatus),
//! [images](ImageInfo), [sandboxes](sandbox::PodSandbox) and [containers](Container). [`log`] reads what containers wrote.
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
mod known;
pub(crate) mod log;
mod proto;
mod pull_all;
mod pull_error;
pub(crate) mod runtime;
mod runtime_facts;
mod sandbox;
mod sandbox_config;

pub(crate) use client::CriClient;
pub(crate) use container::{Container, ContainerFilter, ContainerState};
pub(crate) use endpoint::{CriEndpoint, EndpointError};
pub(crate) use error::{CriCause, CriError};
pub(crate) use image::ImageInfo;
pub(crate) use job::{ContainerJob, JobEnd, JobMount};
pub(crate) use known::{KNOWN_RUNTIMES, KnownRuntime};
pub(crate) use pull_all::{PullEvent, PullOptions, PullPolicy, pull_all};
pub(crate) use pull_error::{IMAGE_PULL, PullError};
pub(crate) use runtime::{CgroupDriver, RuntimeStatus, RuntimeVersion};
pub(crate) use runtime_facts::RuntimeFacts;
pub(crate) use sandbox::{PodSandboxFilter, PodSandboxState};
pub(crate) use sandbox_config::PodSandboxConfig;
