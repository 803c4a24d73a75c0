//! Volumes from the host.

use std::path::Path;

use crate::config::Settings;
use crate::config::facts::CA_DIRS;
use crate::config::v1beta4::{ExternalEtcd, HostPathMount};

const SYSTEM_CERTS: &str = "/etc/ssl/certs";

/// A read-only volume that stands at the same path inside and out.
pub(super) fn same_path(name: &str, path: &str, path_type: &str) -> HostPathMount {
    HostPathMount {
        name: name.into(),
        host_path: path.into(),
        mount_path: path.into(),
        read_only: true,
        path_type: path_type.into(),
    }
}

/// The certificates of kube-apiserver and kube-controller-manager: ours, and the host's CAs.
pub(super) fn certificates(settings: &Settings) -> Vec<HostPathMount> {
    let mut volumes = vec![
        same_path("k8s-certs", &settings.cluster.config.certificates_dir, "DirectoryOrCreate"),
        same_path("ca-certs", SYSTEM_CERTS, "DirectoryOrCreate"),
    ];
    for dir in &settings.node.facts.ca_dirs {
        volumes.push(same_path(dir.replace('/', "-").trim_start_matches('-'), dir, "DirectoryOrCreate"));
    }
    volumes
}

/// The folders of an external etcd's certificate files, where they are not mounted already: of folders inside one
/// another only the outer (kubeadm compares paths as strings).
pub(super) fn external_etcd(settings: &Settings, etcd: &ExternalEtcd) -> Vec<HostPathMount> {
    let mounted: Vec<&str> = std::iter::once(SYSTEM_CERTS)
        .chain(CA_DIRS)
        .chain(std::iter::once(settings.cluster.config.certificates_dir.as_str()))
        .collect();
    let files = [&etcd.ca_file, &etcd.cert_file, &etcd.key_file];
    let mut dirs: Vec<String> = files
        .into_iter()
        .filter(|f| !f.is_empty())
        .filter_map(|f| Path::new(f).parent())
        .map(|p| p.to_string_lossy().into_owned())
        .filter(|dir| !mounted.iter().any(|m| dir.starts_with(m)))
        .collect();
    dirs.sort();
    dirs.dedup();
    let outer: Vec<&String> =
        dirs.iter().filter(|d| !dirs.iter().any(|o| o != *d && d.starts_with(o.as_str()))).collect();
    outer
        .iter()
        .enumerate()
        .map(|(i, dir)| same_path(&format!("etcd-certs-{i}"), dir, "DirectoryOrCreate"))
        .collect()
}

/// The user's volumes over ours, by name, sorted by name.
pub(super) fn merge(ours: Vec<HostPathMount>, extra: &[HostPathMount]) -> Vec<HostPathMount> {
    let mut volumes: Vec<HostPathMount> = ours;
    for volume in extra {
        volumes.retain(|v| v.name != volume.name);
        volumes.push(volume.clone());
    }
    volumes.sort_by(|a, b| a.name.cmp(&b.name));
    volumes
}
