//! What is judged: the cluster, its nodes, and their static Pods.

use k8s_openapi::api::core::v1::{EnvVar, Pod, Taint};

use super::known::Known;
use super::program::Program;
use super::{RECORDED, rules};
use crate::config::Settings;
use crate::config::kube_proxy::KubeProxyConfiguration;
use crate::config::kubelet::KubeletConfiguration;
use crate::config::v1beta4::{
    Arg, ClusterConfiguration, ControlPlaneComponent, HostPathMount, NodeRegistrationOptions,
};
use crate::manifest::{self, Component, PkiFacts};

/// How a node registers, in one kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registration<'a> {
    /// The kind.
    pub(crate) kind: &'static str,
    /// kubelet's flags.
    pub(crate) kubelet_args: &'a [Arg],
    /// The node's taints.
    pub(crate) taints: &'a [Taint],
}

impl Registration<'_> {
    /// Whether it is the node whose control plane the configuration describes.
    pub(super) fn is_of_this_node(&self) -> bool {
        self.kind == "InitConfiguration"
    }
}

/// What is judged.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// The cluster.
    pub(crate) cluster: &'a ClusterConfiguration,
    /// The nodes.
    pub(crate) registrations: Vec<Registration<'a>>,
    /// kubelet's configuration.
    pub(crate) kubelet: Option<&'a KubeletConfiguration>,
    /// kube-proxy's configuration.
    pub(crate) kube_proxy: Option<&'a KubeProxyConfiguration>,
    /// The minor of the components.
    pub(crate) minor: u64,
    /// Their patch, where the whole version is known.
    pub(crate) patch: Option<u64>,
    /// The minor of kubelet.
    pub(crate) kubelet_minor: u64,
    /// The tag of etcd's image.
    pub(crate) etcd_tag: String,
    /// The static Pods with the user's flags and patches; without them the user's flags alone are judged.
    pub(crate) pods: Vec<(Component, Pod)>,
    /// Whether the address to advertise is only a stand-in for a machine's.
    pub(crate) made_up_address: bool,
    /// The same of the node's name.
    pub(crate) made_up_name: bool,
}

impl<'a> Subject<'a> {
    /// The settings of a node, with its static Pods.
    pub(crate) fn of(settings: &'a Settings) -> Self {
        let cluster = &settings.cluster;
        let external = cluster.config.etcd.external.is_some();
        let wanted = Component::ALL.into_iter().filter(|c| *c != Component::Etcd || !external);
        let pods = wanted.filter_map(|component| {
            Some((component, manifest::render(component, settings, PkiFacts::default()).ok()?))
        });
        Self {
            cluster: &cluster.config,
            registrations: vec![Registration {
                kind: "InitConfiguration",
                kubelet_args: &settings.node.registration.kubelet_extra_args,
                taints: settings.node.registration.taints.as_deref().unwrap_or_default(),
            }],
            kubelet: cluster.kubelet.as_ref(),
            kube_proxy: cluster.kube_proxy.as_ref(),
            minor: cluster.version.minor(),
            patch: Some(cluster.version.patch()),
            kubelet_minor: cluster.version.minor(),
            etcd_tag: settings.etcd_tag(),
            pods: pods.collect(),
            made_up_address: false,
            made_up_name: false,
        }
    }

    /// A configuration that no settings could be made of: flags and the kubelet's part alone.
    pub(crate) fn without_pods(
        cluster: &'a ClusterConfiguration,
        registration: &'a NodeRegistrationOptions,
        minor: u64,
    ) -> Self {
        let tag = cluster.etcd.local.as_ref().map_or("", |local| &local.image_tag);
        Self {
            cluster,
            registrations: vec![Registration {
                kind: "InitConfiguration",
                kubelet_args: &registration.kubelet_extra_args,
                taints: registration.taints.as_deref().unwrap_or_default(),
            }],
            kubelet: None,
            kube_proxy: None,
            minor,
            patch: None,
            kubelet_minor: minor,
            etcd_tag: tag.to_owned(),
            pods: vec![],
            made_up_address: true,
            made_up_name: true,
        }
    }

    /// The user's flags of a component.
    pub(crate) fn args(&self, component: Component) -> &'a [Arg] {
        match component {
            Component::ApiServer => &self.cluster.api_server.extra_args,
            Component::ControllerManager => &self.cluster.controller_manager.extra_args,
            Component::Scheduler => &self.cluster.scheduler.extra_args,
            Component::Etcd => self.cluster.etcd.local.as_ref().map_or(&[], |local| &local.extra_args),
        }
    }

    /// Whether the lists of flags tell all that a component which Kubernetes ships would say of the user's flags when it
    /// parses them.
    pub(crate) fn knows_flags(&self, component: Component) -> bool {
        let (program, extra) = (Program::of(component), self.args(component));
        let minor = match component {
            Component::Etcd => rules::etcd::minor(&self.etcd_tag, self.minor),
            _ => Some(self.minor),
        };
        let Some(minor) = minor.filter(|_| RECORDED.contains(&self.minor)) else { return extra.is_empty() };
        // Which version it takes for its own, only the component knows.
        let is_known = |arg: &Arg| {
            let known = program.knows(&program.spelled(&arg.name), minor);
            matches!(known, Known::Yes(flag) if flag.kind != "version")
        };
        extra.iter().all(is_known)
    }

    /// Where the configuration has a component's flags.
    pub(crate) fn place_of_args(&self, component: Component) -> String {
        format!("{}.extraArgs", self.extra(component).0)
    }

    /// The volumes and environment that the user adds to a component's Pod, and their path.
    pub(super) fn extra(&self, component: Component) -> (&'static str, &'a [HostPathMount], &'a [EnvVar]) {
        let of = |path, c: &'a ControlPlaneComponent| (path, &*c.extra_volumes, &*c.extra_envs);
        match component {
            Component::ApiServer => {
                let server = &self.cluster.api_server;
                ("apiServer", &server.extra_volumes, &server.extra_envs)
            }
            Component::ControllerManager => of("controllerManager", &self.cluster.controller_manager),
            Component::Scheduler => of("scheduler", &self.cluster.scheduler),
            Component::Etcd => {
                let envs = self.cluster.etcd.local.as_ref().map_or(&[][..], |local| &local.extra_envs);
                ("etcd.local", &[], envs)
            }
        }
    }
}
