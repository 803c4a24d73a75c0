//! The programs that a configuration has flags for.

use crate::manifest::Component;

/// A program with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Etcd,
    ApiServer,
    ControllerManager,
    Scheduler,
    Kubelet,
}

impl Program {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
        }
    }

    /// The program of a static Pod.
    pub(super) fn of(component: Component) -> Self {
        match component {
            Component::Etcd => Self::Etcd,
            Component::ApiServer => Self::ApiServer,
            Component::ControllerManager => Self::ControllerManager,
            Component::Scheduler => Self::Scheduler,
        }
    }

    /// The kind of document and the path of its flags.
    pub(super) fn args(self) -> (&'static str, &'static str) {
        match self {
            Self::Etcd => ("ClusterConfiguration", "etcd.local.extraArgs"),
            Self::ApiServer => ("ClusterConfiguration", "apiServer.extraArgs"),
            Self::ControllerManager => ("ClusterConfiguration", "controllerManager.extraArgs"),
            Self::Scheduler => ("ClusterConfiguration", "scheduler.extraArgs"),
            Self::Kubelet => ("InitConfiguration", "nodeRegistration.kubeletExtraArgs"),
        }
    }

    /// A flag's name with dashes: Kubernetes' flags take `_` for `-`.
    pub(super) fn spelled(self, name: &str) -> String {
        if self == Self::Etcd { name.to_owned() } else { name.replace('_', "-") }
    }
}
