//! What is in an archive, and how to use it: its first file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::etcd::snapshot::Facts;

/// The newest format that this program knows, which it writes.
pub(super) const FORMAT: u32 = 1;
/// The manifest's own name in the archive.
pub(super) const MANIFEST: &str = "kubestrap-backup.json";
/// The name of etcd's snapshot in the archive.
pub(crate) const SNAPSHOT: &str = "etcd-snapshot.db";
/// The name of the configuration in the archive.
pub(crate) const CONFIGURATION: &str = "configuration.yaml";
/// Where the files of the node are in the archive, each at its path.
pub(super) const FILES: &str = "files";

/// What is in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    /// The format of the archive.
    pub(crate) format: u32,
    /// Tells this archive from every other.
    pub(crate) id: String,
    /// When it was made (RFC 3339).
    pub(crate) time: String,
    /// The program that made it, and its version.
    pub(crate) program: String,
    /// The node.
    pub(crate) node: NodeFacts,
    /// The cluster.
    pub(crate) cluster: ClusterFacts,
    /// etcd's snapshot; none where etcd is external.
    pub(crate) snapshot: Option<Facts>,
    /// Everything else that is in it, and the snapshot.
    pub(crate) entries: Vec<Entry>,
    /// What is not in it.
    pub(crate) left_out: Vec<String>,
    /// How to use it.
    pub(crate) how_to_use: Vec<String>,
}

/// The node that a backup is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeFacts {
    /// The Node's name.
    pub(crate) name: String,
    /// The address that its API server advertises.
    pub(crate) address: String,
    /// The certificates' folder.
    pub(crate) certificates: PathBuf,
}

/// The cluster that a backup is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterFacts {
    /// The version of Kubernetes; empty where the cluster did not answer.
    pub(crate) version: String,
    /// SHA-256 of the public key of the cluster's CA.
    pub(crate) ca: String,
    /// kubelet's configuration is as kubeadm or kubestrap generated it.
    pub(crate) generated_kubelet: bool,
    /// So is kube-proxy's.
    pub(crate) generated_kube_proxy: bool,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// Its name in the archive.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its path on the node; none for what is no file there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    /// Its mode on the node.
    pub(crate) mode: u32,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// SHA-256 of its content, in hex.
    pub(crate) sha256: String,
}

/// What a file in an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// A certificate or key of the PKI.
    Pki,
    /// A kubeconfig.
    Kubeconfig,
    /// The manifest of a static Pod.
    StaticPod,
    /// A file that a static Pod mounts: encryption keys, an audit policy, …
    Mounted,
    /// A file of kubelet's.
    Kubelet,
    /// The configuration of the cluster and the node, for `--config`.
    Configuration,
    /// etcd's snapshot.
    Snapshot,
}

impl Kind {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Pki => "PKI",
            Self::Kubeconfig => "kubeconfig",
            Self::StaticPod => "static Pod",
            Self::Mounted => "mounted file",
            Self::Kubelet => "kubelet",
            Self::Configuration => "configuration",
            Self::Snapshot => "etcd snapshot",
        }
    }
}
