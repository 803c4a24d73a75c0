//! What is gathered before anything is judged.

use std::path::PathBuf;

use time::OffsetDateTime;

use crate::certs;
use crate::cluster::{self, Cluster, ReadOnly, Recorder};
use crate::config::Settings;
use crate::host::Host;
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::preflight::Machine;
use crate::workflows::upgrade::survey::Survey;

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
    /// The static Pods of this node.
    pub(super) static_pods: Vec<StaticPod>,
    /// Manifests of this node that every control plane has and that are missing; none are where it is a worker.
    pub(super) missing_manifests: Vec<PathBuf>,
    /// This node runs a control plane.
    pub(super) control_plane: bool,
    /// etcd is upgraded too.
    pub(super) etcd_upgrade: bool,
    /// Certificates of what is upgraded are renewed.
    pub(super) renewal: bool,
    /// The metrics of the API server, as text; empty where they can't be had.
    pub(super) metrics: String,
    /// Certificates of this node.
    pub(super) certificates: certs::Survey,
    /// Objects of the addons that differ from what the cluster's version installs.
    pub(super) changed_addons: Vec<cluster::Change>,
    /// Images that the container runtime does not have; none where it can't be asked.
    pub(super) missing_images: Option<Vec<String>>,
    /// Bytes of etcd's data on this node.
    pub(super) etcd_bytes: u64,
    /// Bytes free where backups are kept.
    pub(super) free_bytes: Option<u64>,
    /// Now.
    pub(super) now: OffsetDateTime,
}

/// What [`gather`] starts from.
pub(crate) struct Given {
    /// The settings as they are.
    pub(crate) before: Settings,
    /// The settings after the upgrade.
    pub(crate) after: Settings,
    /// Gates of kubeadm's own that the new version no longer has, with the value that is set.
    pub(crate) lost_gates: Vec<(String, bool)>,
    /// Text of the stored ClusterConfiguration.
    pub(crate) stored_text: String,
    /// What the cluster runs.
    pub(crate) survey: Survey,
    /// etcd is upgraded too.
    pub(crate) etcd_upgrade: bool,
    /// Certificates of what is upgraded are renewed.
    pub(crate) renewal: bool,
}

/// Gathers; what can't be had is left out, since it would only have told more. Returns the cluster too.
pub(crate) fn gather(
    given: Given,
    cluster: Box<dyn Cluster>,
    host: &dyn Host,
    machine: &dyn Machine,
) -> (Evidence, Box<dyn Cluster>) {
    let Given { before, after, lost_gates, stored_text, survey, etcd_upgrade, renewal } = given;
    let mut cluster = cluster;
    let paths = before.node.paths.clone();
    let read = |component| StaticPod::read(&paths.manifests, component, host).ok().flatten();
    let static_pods: Vec<StaticPod> = Component::ALL.into_iter().filter_map(read).collect();
    // A node with any of them, or with an administrator's kubeconfig, is a control plane.
    let control_plane = !static_pods.is_empty();
    let missing_manifests = [Component::ApiServer, Component::ControllerManager, Component::Scheduler]
        .into_iter()
        .map(|component| paths.manifests.join(component.file()))
        .filter(|path| control_plane && !host.exists(path))
        .collect();
    let metrics = cluster.text("/metrics").unwrap_or_default();
    let pki = certs::Pki {
        certificates: paths.certificates.clone(),
        kubeconfigs: paths.kubeconfig_dir.clone(),
        external_etcd: before.cluster.config.etcd.local.is_none(),
    };
    let certificates =
        if control_plane { certs::survey(&pki, host).unwrap_or_default() } else { certs::Survey::default() };
    let (changed_addons, cluster) = changed_addons(&before, cluster);
    let images = if control_plane { after.images() } else { vec![] };
    let missing_images =
        machine.runtime().ok().map(|facts| images.into_iter().filter(|image| !facts.holds(image)).collect());
    let data = before.cluster.config.etcd.local.as_ref().map(|local| PathBuf::from(&local.data_dir));
    let etcd_bytes = data.filter(|_| control_plane).map_or(0, |data| tree_bytes(&data.join("member")));
    let free_bytes = rustix::fs::statvfs(&paths.kubeconfig_dir).ok().map(|s| s.f_bavail * s.f_frsize);
    let stored_api_version = stored_text
        .lines()
        .find_map(|line| line.strip_prefix("apiVersion:"))
        .map(|version| version.trim().trim_matches(['"', '\'']).to_owned())
        .unwrap_or_default();
    let evidence = Evidence {
        before,
        after,
        lost_gates,
        stored_api_version,
        survey,
        static_pods,
        missing_manifests,
        control_plane,
        etcd_upgrade,
        renewal,
        metrics,
        certificates,
        changed_addons,
        missing_images,
        etcd_bytes,
        free_bytes,
        now: OffsetDateTime::now_utc(),
    };
    (evidence, cluster)
}

/// The workloads of the addons that are not as the cluster's version installs them.
fn changed_addons(before: &Settings, cluster: Box<dyn Cluster>) -> (Vec<cluster::Change>, Box<dyn Cluster>) {
    use crate::addons::{coredns, kube_proxy};

    let mut reader = ReadOnly::new(cluster, Recorder::default());
    let mut objects = vec![];
    if !before.cluster.config.dns.disabled {
        let replicas = reader.get("Deployment", coredns::NAMESPACE, coredns::NAME).ok().flatten();
        let replicas = replicas.and_then(|d| d.pointer("/spec/replicas")?.as_i64());
        let existing = coredns::Existing { corefile: None, replicas };
        objects.extend(coredns::plan(before, &existing).map(|plan| plan.objects).unwrap_or_default());
    }
    if !before.cluster.config.proxy.disabled {
        objects.extend(kube_proxy::objects(before).unwrap_or_default());
    }
    objects.retain(|object| ["Deployment", "DaemonSet"].contains(&object.kind()));
    let mut changes = reader.apply(objects).unwrap_or_default();
    changes.retain(|change| change.before.is_some());
    (changes, reader.into_inner())
}

/// Bytes of the files in a folder and below it.
fn tree_bytes(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => tree_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
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
            static_pods: vec![],
            missing_manifests: vec![],
            control_plane: true,
            etcd_upgrade: true,
            renewal: true,
            metrics: String::new(),
            certificates: certs::Survey::default(),
            changed_addons: vec![],
            missing_images: Some(vec![]),
            etcd_bytes: 0,
            free_bytes: Some(1 << 40),
            now: OffsetDateTime::UNIX_EPOCH,
        }
    }
}
