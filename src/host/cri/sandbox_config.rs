//! What a pod sandbox is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::proto::{self, NamespaceMode};

/// What to start a sandbox with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PodSandboxConfig {
    /// The Pod's name.
    pub name: String,
    /// The Pod's namespace.
    pub namespace: String,
    /// The Pod's UID.
    pub uid: String,
    /// Which try this is. Runtimes refuse a second sandbox of the same name, namespace, UID and attempt.
    pub attempt: u32,
    /// The host name inside; empty for the machine's own.
    pub hostname: String,
    /// Where container logs go; empty for none.
    pub log_directory: PathBuf,
    /// The cgroup the sandbox goes under, in the form of the runtime's cgroup driver; empty for the runtime's
    /// default.
    pub cgroup_parent: String,
    /// Whether to use the machine's network, as all static Pods of a control plane do; else a network plugin is
    /// needed.
    pub host_network: bool,
    /// Labels; kubelet finds its own sandboxes by `io.kubernetes.*`, so a foreign one should not carry them.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl From<&PodSandboxConfig> for proto::PodSandboxConfig {
    /// The namespaces and the seccomp profile are those that kubelet gives the sandbox of a Pod with
    /// `shareProcessNamespace`: for others CRI-O starts no process, so that nothing would be verified.
    fn from(config: &PodSandboxConfig) -> Self {
        let network = if config.host_network { NamespaceMode::Node } else { NamespaceMode::Pod };
        let security_context = proto::LinuxSandboxSecurityContext {
            namespace_options: Some(proto::NamespaceOption {
                network: network.into(),
                pid: NamespaceMode::Pod.into(),
                ipc: NamespaceMode::Pod.into(),
            }),
            seccomp: Some(proto::SecurityProfile { profile_type: proto::ProfileType::RuntimeDefault.into() }),
        };
        Self {
            metadata: Some(proto::PodSandboxMetadata {
                name: config.name.clone(),
                uid: config.uid.clone(),
                namespace: config.namespace.clone(),
                attempt: config.attempt,
            }),
            hostname: config.hostname.clone(),
            log_directory: config.log_directory.to_string_lossy().into_owned(),
            labels: config.labels.clone(),
            annotations: config.annotations.clone(),
            linux: Some(proto::LinuxPodSandboxConfig {
                cgroup_parent: config.cgroup_parent.clone(),
                security_context: Some(security_context),
            }),
        }
    }
}
