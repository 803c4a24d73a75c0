//! kube-controller-manager's static Pod.

use askama::Template;

use super::probe::Probe;
use super::{PkiFacts, volumes};
use crate::config::Settings;
use crate::config::args::last_value;
use crate::config::v1beta4::HostPathMount;

#[derive(Template)]
#[template(path = "manifests/kube-controller-manager.yml")]
pub(super) struct Manifest<'a> {
    s: &'a Settings,
    signing_cert: String,
    signing_key: String,
    probe: Probe,
    volumes: Vec<HostPathMount>,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(s: &'a Settings, pki: PkiFacts) -> Self {
        let extra = &s.cluster.config.controller_manager;
        let mut volumes = volumes::certificates(s);
        volumes.push(volumes::same_path(
            "kubeconfig",
            "/etc/kubernetes/controller-manager.conf",
            "FileOrCreate",
        ));
        if s.cluster.release.flex_volume {
            let dir = last_value(&extra.extra_args, "flex-volume-plugin-dir");
            let dir = dir.unwrap_or("/usr/libexec/kubernetes/kubelet-plugins/volume/exec");
            let volume = volumes::same_path("flexvolume-dir", dir, "DirectoryOrCreate");
            volumes.push(HostPathMount { read_only: false, ..volume });
        }
        // kubeadm gives empty values where the CA's key is elsewhere, which turns signing off.
        let signing = |file| match pki.external_ca {
            true => String::new(),
            false => s.certificate_path(&format!("{}{file}", pki.signing_folder)),
        };
        Self {
            s,
            signing_cert: signing("ca.crt"),
            signing_key: signing("ca.key"),
            probe: Probe::bound(s, &extra.extra_args, 10257),
            volumes: volumes::merge(volumes, &extra.extra_volumes),
        }
    }
}
