//! An etcd that is not the cluster's own.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};

use crate::cluster::{self, COMPONENTS};
use crate::config::Config;
use crate::node::{CONFIG, MANIFESTS, Node};

/// etcd's certificates, made by phases that any etcd's operator could use.
const PKI: &str = "/etc/etcd/pki";

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    with(node, "127.0.0.1", |config| {
        node.init_with(&Config::cluster(config), &[])?;
        let others: Vec<&str> = COMPONENTS.iter().copied().filter(|c| *c != "etcd").collect();
        cluster::healthy_with(node, &others)?;
        cluster::finished(node)?;
        ensure!(!Path::new(MANIFESTS).join("etcd.yaml").exists(), "there is a manifest for a local etcd");
        ensure!(!Path::new("/etc/kubernetes/pki/etcd/ca.key").exists(), "there is a CA for a local etcd");
        ensure!(node.processes("etcd").len() == 1, "there is more than one etcd");
        Ok(())
    })
}

/// Runs an etcd at this address of the first machine, and `then` with the lines of ClusterConfiguration that name it.
pub(super) fn with(
    node: &Node,
    address: &str,
    then: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    node.prepare_init(&Config::cluster(&format!("certificatesDir: {PKI}")))?;
    for certificate in ["etcd-ca", "etcd-server", "apiserver-etcd-client"] {
        node.kubestrap(&["init", "phase", "certs", certificate, "--config", CONFIG])?;
    }
    let endpoint = format!("https://{address}:2379");
    let mut etcd = start(&endpoint)?;
    let result = then(&format!(
        "etcd:\n  external:\n    endpoints: [\"{endpoint}\"]\n    caFile: {PKI}/etcd/ca.crt\n    \
         certFile: {PKI}/apiserver-etcd-client.crt\n    keyFile: {PKI}/apiserver-etcd-client.key\n"
    ));
    etcd.kill().context("etcd ended early")?;
    etcd.wait()?;
    result
}

fn start(endpoint: &str) -> anyhow::Result<Child> {
    fs::create_dir_all("/var/lib/external-etcd")?;
    let log = File::create("/e2e/logs/etcd.log")?;
    Command::new("etcd")
        .args(["--data-dir=/var/lib/external-etcd", "--client-cert-auth"])
        .args([format!("--listen-client-urls={endpoint}"), format!("--advertise-client-urls={endpoint}")])
        .args([format!("--cert-file={PKI}/etcd/server.crt"), format!("--key-file={PKI}/etcd/server.key")])
        .arg(format!("--trusted-ca-file={PKI}/etcd/ca.crt"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("etcd can't be started")
}
