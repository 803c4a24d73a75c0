//! The certificates for other control-plane nodes.

use anyhow::{Context, ensure};

use crate::cluster;
use crate::config::Config;
use crate::json::at;
use crate::node::Node;

/// What is shared.
const KEYS: &[&str] = &[
    "ca.crt",
    "ca.key",
    "etcd-ca.crt",
    "etcd-ca.key",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "sa.key",
    "sa.pub",
];

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let output = node.init_with(&Config::default(), &["--upload-certs"])?;
    cluster::healthy(node)?;
    cluster::finished(node)?;
    let secret = node.get(&["--namespace", "kube-system", "secret", "kubeadm-certs"])?;
    let data = at(&secret, "/data").as_object().context("the secret is empty")?;
    let mut names: Vec<&str> = data.keys().map(String::as_str).collect();
    names.sort_unstable();
    ensure!(names == KEYS, "the secret holds {names:?}");
    let said = format!("{}{}", output.stdout, output.stderr);
    let key = said.split_whitespace().find(|w| w.len() == 64 && w.chars().all(|c| c.is_ascii_hexdigit()));
    ensure!(key.is_some(), "the key is not printed");
    Ok(())
}
