//! The four static Pods of a control plane, as kubeadm writes them: each one template in `templates/manifests`,
//! then what the user adds: flags, volumes, environment.
//!
//! Pure: settings in, Pods out. Patches come after ([`crate::patches`]), writing is `host`'s.

mod apiserver;
mod controller_manager;
mod env;
mod etcd;
mod flags;
mod probe;
mod scheduler;
mod volumes;

use askama::Template;
use k8s_openapi::api::core::v1::{Container, EnvVar, Pod};
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::config::v1beta4::Arg;
use crate::yaml::{self, TemplateError};

pub(crate) use flags::merge as merge_flags;

/// A component of the control plane that runs as a static Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Component {
    /// The store.
    #[serde(rename = "etcd")]
    Etcd,
    /// The API server.
    #[serde(rename = "kube-apiserver")]
    ApiServer,
    /// The controllers.
    #[serde(rename = "kube-controller-manager")]
    ControllerManager,
    /// The scheduler.
    #[serde(rename = "kube-scheduler")]
    Scheduler,
}

impl Component {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 4] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Scheduler];

    /// Its name: of the Pod, its container, its binary, and of the manifest without `.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
        }
    }

    /// The name of its manifest's file.
    pub fn file(self) -> String {
        format!("{}.yaml", self.name())
    }
}

/// The static Pod of an etcd member that joins others. `initial_cluster` names all members, this one among them:
/// `name=peerURL`, separated by commas.
///
/// # Errors
/// When the rendered template does not read back as a Pod: a fault of ours.
pub(crate) fn render_joining_etcd(settings: &Settings, initial_cluster: &str) -> Result<Pod, TemplateError> {
    let mut pod = render(Component::Etcd, settings, PkiFacts::default())?;
    if let Some(command) = container_mut(&mut pod).and_then(|c| c.command.as_mut()) {
        const FLAG: &str = "--initial-cluster=";
        if let Some(place) = command.iter().position(|word| word.starts_with(FLAG)) {
            let joining = [format!("{FLAG}{initial_cluster}"), "--initial-cluster-state=existing".to_owned()];
            command.splice(place..=place, joining);
        }
    }
    Ok(pod)
}

/// What the manifests take from the PKI.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PkiFacts {
    /// The Kubernetes CA's key is elsewhere: kube-controller-manager can't sign with it.
    pub external_ca: bool,
    /// The folder, below that of the certificates, of the CA that kube-controller-manager signs with, with a slash at its
    /// end: while a rotation lasts, `ca.crt` holds two CAs, which it refuses to sign with.
    pub signing_folder: &'static str,
}

/// The Pod of `component`.
///
/// # Errors
/// When the rendered template does not read back as a Pod: a fault of ours.
pub(crate) fn render(component: Component, settings: &Settings, pki: PkiFacts) -> Result<Pod, TemplateError> {
    let extra = &settings.cluster.config;
    match component {
        Component::Etcd => {
            let local = settings.cluster.config.etcd.local.clone().unwrap_or_default();
            finish(etcd::Manifest::new(settings), settings, &local.extra_args, local.extra_envs)
        }
        Component::ApiServer => {
            let env = env::with_proxies(settings, &extra.api_server.extra_envs);
            finish(apiserver::Manifest::new(settings), settings, &extra.api_server.extra_args, env)
        }
        Component::ControllerManager => {
            let env = env::with_proxies(settings, &extra.controller_manager.extra_envs);
            finish(
                controller_manager::Manifest::new(settings, pki),
                settings,
                &extra.controller_manager.extra_args,
                env,
            )
        }
        Component::Scheduler => {
            let env = env::with_proxies(settings, &extra.scheduler.extra_envs);
            finish(scheduler::Manifest::new(settings), settings, &extra.scheduler.extra_args, env)
        }
    }
}

/// Reads a rendered template back and adds the user's flags and environment.
fn finish(
    template: impl Template,
    settings: &Settings,
    extra: &[Arg],
    env: Vec<EnvVar>,
) -> Result<Pod, TemplateError> {
    let text = template.render().map_err(|e| TemplateError::render(&e))?;
    let mut pod: Pod = yaml::from_template(&text)?;
    if let Some(container) = container_mut(&mut pod) {
        let command = container.command.take().unwrap_or_default();
        container.command = Some(flags::override_command(command, extra, settings));
        if !env.is_empty() {
            container.env = Some(env::sorted(env));
        }
        // Go leaves a zero out, and kubelet takes its default then.
        if let Some(probe) = container.startup_probe.as_mut() {
            probe.failure_threshold = probe.failure_threshold.filter(|failures| *failures != 0);
        }
    }
    Ok(pod)
}

fn container_mut(pod: &mut Pod) -> Option<&mut Container> {
    pod.spec.as_mut()?.containers.first_mut()
}
