//! The files of a control-plane node that belong into its backup.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use zeroize::Zeroizing;

use super::BackupError;
use super::manifest::{CONFIGURATION, Entry, FILES, Kind};
use crate::config::Paths;
use crate::config::facts::CA_DIRS;
use crate::hex::hex;
use crate::kubeconfig;
use crate::yaml;

/// A file that is larger is no configuration.
const LARGEST: u64 = 16 << 20;
/// As many mounted bytes are taken, at most.
const MOST: u64 = 64 << 20;
/// Mounted paths that every machine has by itself, or that hold what a component writes.
const NOT_OURS: [&str; 13] = [
    "/usr",
    "/lib",
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/var/run",
    "/var/log",
    "/var/lib/kubelet",
    "/etc/ssl",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/resolv.conf",
];
/// Files of kubelet's, below its folder and elsewhere.
const KUBELET: [&str; 3] = ["config.yaml", "instance-config.yaml", "kubeadm-flags.env"];
const KUBELET_ELSEWHERE: [&str; 4] = [
    "/etc/default/kubelet",
    "/etc/sysconfig/kubelet",
    "/etc/conf.d/kubelet",
    "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
];
/// What no backup of a node has.
const NEVER: [&str; 5] = [
    "volumes of Pods, and other data on this and other machines",
    "container images",
    "the network plugin's configuration in /etc/cni/net.d, which its Pods write again",
    "kubelet's own client certificate in /var/lib/kubelet/pki, which is issued again",
    "the certificates and kubeconfigs of other nodes",
];

/// Files for a backup.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Each with its content; contents may be secrets.
    pub(crate) files: Vec<(Entry, Zeroizing<Vec<u8>>)>,
    /// What is left out, and why.
    pub(crate) left_out: Vec<String>,
    mounted: u64,
}

/// Collects the files of a node. `etcd_data` is left to the snapshot.
///
/// # Errors
/// When a file or folder can't be read.
pub(crate) fn collect(paths: &Paths, etcd_data: Option<&Path>) -> Result<Collected, BackupError> {
    let mut all = Collected { left_out: NEVER.map(str::to_owned).into(), ..Collected::default() };
    all.folder(&paths.certificates, Kind::Pki)?;
    for row in &kubeconfig::ROWS {
        all.file(&paths.kubeconfig(row.file), Kind::Kubeconfig)?;
    }
    let manifests = list(&paths.manifests)?;
    let is_manifest = |path: &&PathBuf| {
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        !hidden && path.extension().is_some_and(|e| ["yaml", "yml", "json"].iter().any(|known| e == *known))
    };
    for manifest in manifests.iter().filter(is_manifest) {
        all.file(manifest, Kind::StaticPod)?;
    }
    for path in mounts(&all) {
        let is_within = |dir: &Path| path.starts_with(dir);
        let ours = is_within(&paths.certificates) || etcd_data.is_some_and(is_within);
        let system = NOT_OURS.iter().chain(&CA_DIRS).any(|dir| is_within(Path::new(dir)));
        if ours || path.parent().is_none() {
            continue;
        }
        if system {
            if is_within(Path::new("/var/log")) {
                all.left_out.push(format!("{}, which holds logs", path.display()));
            }
            continue;
        }
        all.mounted(&path)?;
    }
    for name in KUBELET {
        all.file(&paths.kubelet.join(name), Kind::Kubelet)?;
    }
    for path in KUBELET_ELSEWHERE {
        all.file(Path::new(path), Kind::Kubelet)?;
    }
    Ok(all)
}

/// Paths of this machine that static Pods mount.
fn mounts(all: &Collected) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = vec![];
    for (_, content) in all.files.iter().filter(|(entry, _)| entry.kind == Kind::StaticPod) {
        let documents = yaml::parse_values(&String::from_utf8_lossy(content)).unwrap_or_default();
        let volumes = documents.iter().filter_map(|pod| pod.pointer("/spec/volumes")?.as_array());
        let path = |volume: &Value| volume.pointer("/hostPath/path")?.as_str().map(PathBuf::from);
        paths.extend(volumes.flatten().filter_map(path));
    }
    paths.sort();
    paths.dedup();
    paths
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let failed = BackupError::file("read", dir);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(failed(error)),
    };
    let mut paths =
        entries.map(|entry| entry.map(|e| e.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

impl Collected {
    /// Adds what is no file of the node.
    pub(crate) fn configuration(&mut self, content: &str) {
        let entry = entry(CONFIGURATION.into(), Kind::Configuration, None, 0o600, content.as_bytes());
        self.files.push((entry, Zeroizing::new(content.as_bytes().to_vec())));
    }

    /// Adds a folder with all that is in it.
    fn folder(&mut self, dir: &Path, kind: Kind) -> Result<(), BackupError> {
        for path in list(dir)? {
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => self.folder(&path, kind)?,
                _ => self.file(&path, kind)?,
            }
        }
        Ok(())
    }

    fn mounted(&mut self, path: &Path) -> Result<(), BackupError> {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                for path in list(path)? {
                    self.mounted(&path)?;
                }
                Ok(())
            }
            Ok(meta) if self.mounted.saturating_add(meta.len()) > MOST => {
                self.left_out.push(format!(
                    "{}: static Pods mount more than {} MiB",
                    path.display(),
                    MOST >> 20
                ));
                Ok(())
            }
            Ok(meta) => {
                self.mounted = self.mounted.saturating_add(meta.len());
                self.file(path, Kind::Mounted)
            }
            Err(_) => Ok(()),
        }
    }

    /// Adds a file, if it is there and is one.
    fn file(&mut self, path: &Path, kind: Kind) -> Result<(), BackupError> {
        let failed = BackupError::file("read", path);
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if self.files.iter().any(|(entry, _)| entry.path.as_deref() == Some(path)) || meta.is_dir() {
            return Ok(());
        }
        if !meta.is_file() || meta.len() > LARGEST {
            let why = if meta.is_file() { "it is too large" } else { "it is not a file" };
            self.left_out.push(format!("{}: {why}", path.display()));
            return Ok(());
        }
        let content = Zeroizing::new(fs::read(path).map_err(failed)?);
        let name = format!("{FILES}{}", path.display());
        let mode = meta.permissions().mode() & 0o7777;
        self.files.push((entry(name, kind, Some(path.to_owned()), mode, &content), content));
        Ok(())
    }
}

fn entry(name: String, kind: Kind, path: Option<PathBuf>, mode: u32, content: &[u8]) -> Entry {
    let sha256 = hex(digest(&SHA256, content).as_ref());
    Entry { name, kind, path, mode, size: content.len() as u64, sha256 }
}
