//! Other keys, other places.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::cluster;
use crate::config::Config;
use crate::node::Node;

/// The files with keys below a certificates folder.
const KEYS: &[&str] = &[
    "ca.key",
    "apiserver.key",
    "apiserver-kubelet-client.key",
    "apiserver-etcd-client.key",
    "front-proxy-ca.key",
    "front-proxy-client.key",
    "etcd/ca.key",
    "etcd/server.key",
    "etcd/peer.key",
    "etcd/healthcheck-client.key",
    "sa.key",
];

/// All keys are of the algorithm that was asked for.
pub(super) fn ecdsa(node: &Node) -> anyhow::Result<()> {
    node.init_with(&Config::cluster("encryptionAlgorithm: ECDSA-P256"), &[])?;
    cluster::healthy(node)?;
    cluster::finished(node)?;
    for key in KEYS {
        let text = fs::read_to_string(Path::new("/etc/kubernetes/pki").join(key))
            .with_context(|| key.to_string())?;
        ensure!(text.starts_with("-----BEGIN EC PRIVATE KEY-----"), "{key} is of another kind");
    }
    Ok(())
}

/// All certificates are where they are to be, and nowhere else.
pub(super) fn cert_dir(node: &Node) -> anyhow::Result<()> {
    node.init_with(&Config::cluster("certificatesDir: /srv/cluster/pki"), &[])?;
    cluster::healthy(node)?;
    for key in KEYS {
        ensure!(Path::new("/srv/cluster/pki").join(key).exists(), "{key} is missing");
    }
    ensure!(!Path::new("/etc/kubernetes/pki/ca.key").exists(), "there is a CA in the usual place too");
    Ok(())
}
