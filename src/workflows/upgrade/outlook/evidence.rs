//! What is known before anything is judged.

use std::path::PathBuf;

use time::OffsetDateTime;

use crate::certs;
use crate::cluster;
use crate::config::Settings;
use crate::config::v1beta4::Arg;
use crate::workflows::upgrade::survey::Survey;

/// What a manifest of this node has beyond what is generated: flags, volumes, containers.
pub(super) type Edited = (PathBuf, Vec<String>);

/// Why etcd has no quorum while this node's member is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Quorum {
    /// Other members are down: which, and why.
    Down(Vec<String>),
    /// So few members need each other.
    Few(usize),
}

/// What is known of the cluster and of this node.
pub(crate) struct Evidence {
    /// The settings as they are.
    pub(super) before: Settings,
    /// The settings after the upgrade.
    pub(super) after: Settings,
    /// Gates of kubeadm's own that the new version no longer has, with the value that is set.
    pub(super) lost_gates: Vec<(String, bool)>,
    /// API version of the stored ClusterConfiguration.
    pub(super) stored_api_version: String,
    /// What the cluster runs.
    pub(crate) survey: Survey,
    /// Manifests of this node that every control plane has and that are missing; none are where it is a worker.
    pub(super) missing_manifests: Vec<PathBuf>,
    /// Manifests of this node that somebody edited or patched, with what they have beyond the configuration.
    pub(super) edited_manifests: Vec<Edited>,
    /// This node runs a control plane.
    pub(super) control_plane: bool,
    /// etcd is upgraded too.
    pub(super) etcd_upgrade: bool,
    /// Certificates of what is upgraded are renewed.
    pub(super) renewal: bool,
    /// The metrics of the API server, as text; empty where they can't be read.
    pub(super) metrics: String,
    /// Certificates of this node.
    pub(super) certificates: certs::Survey,
    /// Objects of the addons that differ from what the cluster's version installs.
    pub(super) changed_addons: Vec<cluster::Change>,
    /// Objects of the addons of the new version that an admission webhook or policy does not let through, and why.
    pub(super) refused_addons: Vec<(String, String)>,
    /// The Corefile is not the default one: the upgrade keeps it.
    pub(super) corefile_kept: bool,
    /// Flags that packages' and users' files give kubelet on this node: the file, and the flag.
    pub(super) kubelet_flags: Vec<(&'static str, Arg)>,
    /// The name of this node's init system.
    pub(super) init_system: Option<&'static str>,
    /// kubelet runs on this node; none where that can't be told.
    pub(super) kubelet_active: Option<bool>,
    /// What etcd's quorum hangs on while this node's member is stopped; none where it does not, or is the only one.
    pub(super) quorum: Option<Quorum>,
    /// Certificates of this node that were not signed by the CA that is in the folder, and CAs without their own key.
    pub(super) unfit_certificates: Vec<(String, PathBuf)>,
    /// Images that the container runtime does not have; none where it can't be asked.
    pub(super) missing_images: Option<Vec<String>>,
    /// Bytes of etcd's data on this node.
    pub(super) etcd_bytes: u64,
    /// Bytes free where backups are kept.
    pub(super) free_bytes: Option<u64>,
    /// Now.
    pub(super) now: OffsetDateTime,
}

#[cfg(test)]
impl Evidence {
    /// Of a node where nothing is wrong.
    pub(super) fn for_tests(before: Settings, after: Settings, survey: Survey) -> Self {
        Self {
            before,
            after,
            lost_gates: vec![],
            stored_api_version: crate::config::v1beta4::API_VERSION.into(),
            survey,
            missing_manifests: vec![],
            edited_manifests: vec![],
            control_plane: true,
            etcd_upgrade: true,
            renewal: true,
            metrics: String::new(),
            certificates: certs::Survey::default(),
            changed_addons: vec![],
            refused_addons: vec![],
            corefile_kept: false,
            kubelet_flags: vec![],
            init_system: Some("systemd"),
            kubelet_active: Some(true),
            quorum: None,
            unfit_certificates: vec![],
            missing_images: Some(vec![]),
            etcd_bytes: 0,
            free_bytes: Some(1 << 40),
            now: OffsetDateTime::UNIX_EPOCH,
        }
    }
}
