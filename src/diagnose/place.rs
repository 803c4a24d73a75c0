//! The names and paths of this machine that advice is made of.

use std::path::PathBuf;

use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::config::{Paths, Settings};
use crate::host::cri::KnownRuntime;
use crate::manifest::Component;

/// The names and paths of this machine that advice is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Where the manifests lie.
    pub manifests: PathBuf,
    /// Where the certificates lie.
    pub certificates: PathBuf,
    /// Where kubelet's files lie.
    pub kubelet: PathBuf,
    /// The runtime's socket.
    pub cri_socket: String,
}

impl Place {
    /// Those of these settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            manifests: settings.node.paths.manifests.clone(),
            certificates: settings.node.paths.certificates.clone(),
            kubelet: settings.node.paths.kubelet.clone(),
            cri_socket: settings.node.registration.cri_socket.clone(),
        }
    }

    /// kubeadm's own, for evidence from elsewhere.
    pub(crate) fn of_defaults() -> Self {
        let paths = Paths::new("/etc/kubernetes/pki", None);
        Self {
            manifests: paths.manifests,
            certificates: paths.certificates,
            kubelet: paths.kubelet,
            cri_socket: DEFAULT_CRI_SOCKET.to_owned(),
        }
    }

    /// The runtime.
    pub(super) fn runtime(&self) -> &'static KnownRuntime {
        KnownRuntime::of_socket(&self.cri_socket)
    }

    /// What `name` stands for in the texts of rules, about `subject`.
    pub(super) fn name(&self, name: &str, subject: Option<Component>) -> Option<String> {
        Some(match name {
            "component" => subject.map_or("kubelet", Component::name).to_owned(),
            "manifest" => match subject {
                Some(component) => self.manifests.join(component.file()).display().to_string(),
                None => self.manifests.display().to_string(),
            },
            "field" => field(subject).to_owned(),
            "manifests" => self.manifests.display().to_string(),
            "pki" => self.certificates.display().to_string(),
            "kubelet" => self.kubelet.display().to_string(),
            "socket" => self.cri_socket.clone(),
            name => self.runtime().word(name)?.to_owned(),
        })
    }
}

/// Where a configuration names the extra flags of `subject`.
fn field(subject: Option<Component>) -> &'static str {
    match subject {
        None => "nodeRegistration.kubeletExtraArgs",
        Some(Component::Etcd) => "etcd.local.extraArgs",
        Some(Component::ApiServer) => "apiServer.extraArgs",
        Some(Component::ControllerManager) => "controllerManager.extraArgs",
        Some(Component::Scheduler) => "scheduler.extraArgs",
    }
}
