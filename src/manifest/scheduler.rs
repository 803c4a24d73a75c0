//! kube-scheduler's static Pod.

use askama::Template;

use super::probe::Probe;
use super::volumes;
use crate::config::Settings;
use crate::config::v1beta4::HostPathMount;

#[derive(Template)]
#[template(path = "manifests/kube-scheduler.yml")]
pub(super) struct Manifest<'a> {
    s: &'a Settings,
    probe: Probe,
    volumes: Vec<HostPathMount>,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(s: &'a Settings) -> Self {
        let extra = &s.cluster.config.scheduler;
        let kubeconfig = volumes::same_path("kubeconfig", "/etc/kubernetes/scheduler.conf", "FileOrCreate");
        Self {
            s,
            probe: Probe::bound(s, &extra.extra_args, 10259),
            volumes: volumes::merge(vec![kubeconfig], &extra.extra_volumes),
        }
    }
}
