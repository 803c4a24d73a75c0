//! Gathers what is judged.

use std::path::PathBuf;

use time::OffsetDateTime;

use super::Evidence;
use super::evidence::Quorum;
use super::manifests;
use crate::certs;
use crate::cluster::{self, Cluster, ClusterError, ClusterObject, ReadOnly, Recorder};
use crate::config::Settings;
use crate::config::v1beta4::Arg;
use crate::etcd::{ClusterHealth, Credentials, EtcdClient, State};
use crate::host::Host;
use crate::manifest::Component;
use crate::node::{StaticPod, etcd_endpoints};
use crate::preflight::{Machine, kubelet_env_flags};
use crate::workflows::upgrade::survey::Survey;

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
    /// The API server is asked what it would refuse.
    pub(crate) trial: bool,
}

/// Gathers; what can't be read is left out, since it would only have told more. Returns the cluster too.
pub(crate) fn gather(
    given: Given,
    cluster: Box<dyn Cluster>,
    host: &dyn Host,
    machine: &dyn Machine,
) -> (Evidence, Box<dyn Cluster>) {
    let Given { before, after, lost_gates, stored_text, survey, etcd_upgrade, renewal, trial } = given;
    let mut cluster = cluster;
    let paths = before.node.paths.clone();
    // One with any of their manifests is a control plane.
    let control_plane = Component::ALL.iter().any(|c| host.exists(&paths.manifests.join(c.file())));
    let missing_manifests = [Component::ApiServer, Component::ControllerManager, Component::Scheduler]
        .into_iter()
        .map(|component| paths.manifests.join(component.file()))
        .filter(|path| control_plane && !host.exists(path))
        .collect();
    let edited_manifests = if control_plane { manifests::compare(&before, host) } else { vec![] };
    let metrics = cluster.text("/metrics").unwrap_or_default();
    let pki = certs::Pki {
        certificates: paths.certificates.clone(),
        kubeconfigs: paths.kubeconfig_dir.clone(),
        external_etcd: before.cluster.config.etcd.local.is_none(),
    };
    let certificates =
        if control_plane { certs::survey(&pki, host).unwrap_or_default() } else { certs::Survey::default() };
    let unfit_certificates = if control_plane { unfit_certificates(&pki, host) } else { vec![] };
    let init_system = host.init_system().map(|init| init.name());
    let kubelet_active = host.init_system().map(|init| init.state("kubelet").active);
    let kubelet_flags = kubelet_env_flags(machine);
    let kubelet_flags =
        kubelet_flags.into_iter().map(|(file, name, value)| (file, Arg { name, value })).collect();
    let quorum = if control_plane && etcd_upgrade { quorum(&before, host) } else { None };
    let (changed_addons, mut cluster) = changed_addons(&before, cluster);
    // A worker installs no addons, and may not.
    let refused_addons = if trial && control_plane { refused_addons(&after, &mut *cluster) } else { vec![] };
    let corefile_kept = control_plane && corefile_kept(&after, &mut *cluster);
    let images = if control_plane { after.images() } else { vec![] };
    let missing_images =
        machine.runtime().ok().map(|facts| images.into_iter().filter(|image| !facts.holds(image)).collect());
    let data = before.cluster.config.etcd.local.as_ref().map(|local| PathBuf::from(&local.data_dir));
    let etcd_bytes = data.filter(|_| control_plane).map_or(0, |data| tree_bytes(&data.join("member")));
    let tmp = paths.kubeconfig("tmp");
    let backups = if host.exists(&tmp) { &tmp } else { &paths.kubeconfig_dir };
    let free_bytes = rustix::fs::statvfs(backups).ok().map(|s| s.f_bavail * s.f_frsize);
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
        missing_manifests,
        edited_manifests,
        control_plane,
        etcd_upgrade,
        renewal,
        metrics,
        certificates,
        changed_addons,
        refused_addons,
        corefile_kept,
        kubelet_flags,
        init_system,
        kubelet_active,
        quorum,
        unfit_certificates,
        missing_images,
        etcd_bytes,
        free_bytes,
        now: OffsetDateTime::now_utc(),
    };
    (evidence, cluster)
}

/// The workloads of the addons that are not as the cluster's version installs them.
fn changed_addons(before: &Settings, cluster: Box<dyn Cluster>) -> (Vec<cluster::Change>, Box<dyn Cluster>) {
    let mut reader = ReadOnly::new(cluster, Recorder::default());
    let objects = addon_workloads(before, &mut reader);
    let mut changes = reader.apply(objects).unwrap_or_default();
    changes.retain(|change| change.before.is_some());
    (changes, reader.into_inner())
}

/// The workloads of the addons, as the version of these settings installs them.
fn addon_workloads(settings: &Settings, cluster: &mut dyn Cluster) -> Vec<ClusterObject> {
    use crate::addons::{coredns, kube_proxy};

    let mut objects = vec![];
    if !settings.cluster.config.dns.disabled {
        let replicas = cluster.get("Deployment", coredns::NAMESPACE, coredns::NAME).ok().flatten();
        let replicas = replicas.and_then(|d| d.pointer("/spec/replicas")?.as_i64());
        let existing = coredns::Existing { corefile: None, replicas };
        objects.extend(coredns::plan(settings, &existing).map(|plan| plan.objects).unwrap_or_default());
    }
    if !settings.cluster.config.proxy.disabled {
        objects.extend(kube_proxy::objects(settings).unwrap_or_default());
    }
    objects.retain(|object| ["Deployment", "DaemonSet"].contains(&object.kind()));
    objects
}

/// Whether the upgrade keeps the Corefile, since somebody changed it.
fn corefile_kept(after: &Settings, cluster: &mut dyn Cluster) -> bool {
    use crate::addons::coredns;

    let map = cluster.get("ConfigMap", coredns::NAMESPACE, coredns::NAME).ok().flatten();
    let corefile = map.and_then(|map| map.pointer("/data/Corefile")?.as_str().map(str::to_owned));
    let existing = coredns::Existing { corefile, replicas: None };
    !after.cluster.config.dns.disabled
        && coredns::plan(after, &existing).is_ok_and(|plan| plan.corefile_retained)
}

/// What admission says of the addons of the new version. Other refusals tell nothing of the upgrade: they may be of the
/// trial.
fn refused_addons(after: &Settings, cluster: &mut dyn Cluster) -> Vec<(String, String)> {
    let mut refused = vec![];
    for object in addon_workloads(after, cluster) {
        let name = format!("{} {}", object.kind(), object.name());
        if let Err(ClusterError::Object { refusal, .. }) = cluster.try_out(object) {
            let why = refusal.to_string();
            if ["webhook", "AdmissionPolicy"].iter().any(|word| why.contains(word)) {
                refused.push((name, why));
            }
        }
    }
    refused
}

/// Certificates that were not signed by the CA that is here, and CAs whose key is another's.
fn unfit_certificates(pki: &certs::Pki, host: &dyn Host) -> Vec<(String, PathBuf)> {
    let reports = certs::inspect::inspect(pki, host, OffsetDateTime::now_utc()).unwrap_or_default();
    let unfit = reports.into_iter().filter_map(|report| {
        let facts = report.certificate.as_ref()?;
        let is_ca = facts.usages.iter().any(|usage| usage == "CA");
        // The chain of a leaf ends with its CA, if that is the one that is here.
        let unfit =
            if is_ca { !facts.key_matches && !report.problems.is_empty() } else { facts.chain.len() < 2 };
        unfit.then_some((report.name, report.file))
    });
    unfit.collect()
}

/// Why this node's member can't be stopped for a moment.
fn quorum(before: &Settings, host: &dyn Host) -> Option<Quorum> {
    let paths = &before.node.paths;
    let pod = StaticPod::read(&paths.manifests, Component::Etcd, host).ok()??;
    let read = |file: &str| host.read(&paths.certificates.join(file)).ok().flatten().ok_or(());
    let credentials = Credentials::of_health_checks(read).ok()?;
    let mut client = EtcdClient::new(etcd_endpoints(&pod), &credentials).ok()?;
    let health = ClusterHealth::look(&mut client).ok()?;
    if health.members.len() < 2 || health.may_fail() > 0 {
        return None;
    }
    let down = health.members.iter().filter(|m| m.state != State::Healthy);
    let down: Vec<String> = down.map(|m| format!("{} {}", m.member.display_name(), m.state)).collect();
    Some(if down.is_empty() { Quorum::Few(health.members.len()) } else { Quorum::Down(down) })
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
