//! The five kubeconfigs that init writes, a row each (kubeadm's names, users, groups and servers).

use crate::config::Settings;

/// Which API server a kubeconfig names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The control plane's endpoint, for people.
    ControlPlane,
    /// This node's own, so that a component does not depend on a load balancer in front of its own machine.
    Local,
}

/// A kubeconfig that init writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KubeconfigRow {
    /// Name of its phase.
    pub name: &'static str,
    /// Its file in `/etc/kubernetes`.
    pub file: &'static str,
    /// The user and CN; for kubelet the Node's name follows.
    user: &'static str,
    /// The group, O of the certificate.
    pub organization: Option<&'static str>,
    /// Which API server it names.
    pub server: Server,
    /// What it is for, in a line of help.
    pub about: &'static str,
}

/// The table, in the order of the phases.
pub(crate) const ROWS: [KubeconfigRow; 5] = [
    KubeconfigRow {
        name: "admin",
        file: "admin.conf",
        user: "kubernetes-admin",
        organization: Some("kubeadm:cluster-admins"),
        server: Server::ControlPlane,
        about: "Write admin.conf, for the cluster's administrators",
    },
    KubeconfigRow {
        name: "super-admin",
        file: "super-admin.conf",
        user: "kubernetes-super-admin",
        organization: Some("system:masters"),
        server: Server::ControlPlane,
        about: "Write super-admin.conf, which no RBAC rule can lock out",
    },
    KubeconfigRow {
        name: "kubelet",
        file: "kubelet.conf",
        user: "system:node:",
        organization: Some("system:nodes"),
        server: Server::Local,
        about: "Write kubelet.conf, with which this node's kubelet starts",
    },
    KubeconfigRow {
        name: "controller-manager",
        file: "controller-manager.conf",
        user: "system:kube-controller-manager",
        organization: None,
        server: Server::Local,
        about: "Write controller-manager.conf, for kube-controller-manager",
    },
    KubeconfigRow {
        name: "scheduler",
        file: "scheduler.conf",
        user: "system:kube-scheduler",
        organization: None,
        server: Server::Local,
        about: "Write scheduler.conf, for kube-scheduler",
    },
];

impl KubeconfigRow {
    /// The user, CN of the certificate.
    pub(crate) fn user(&self, settings: &Settings) -> String {
        if self.user.ends_with(':') {
            format!("{}{}", self.user, settings.node_name())
        } else {
            self.user.into()
        }
    }

    /// The URL of the API server.
    pub(crate) fn server_url(&self, settings: &Settings) -> String {
        // Until 1.35 kubeadm has a gate for what kubelet's names.
        let local_mode =
            settings.cluster.config.feature_gates.get("ControlPlaneKubeletLocalMode") != Some(&false);
        let endpoint = match self.server {
            Server::Local if local_mode || self.name != "kubelet" => settings.local_endpoint(),
            Server::Local | Server::ControlPlane => settings.control_plane_endpoint(),
        };
        format!("https://{endpoint}")
    }
}
