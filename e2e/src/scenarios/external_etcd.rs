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
const ENDPOINT: &str = "https://127.0.0.1:2379";

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.prepare_init(&Config::cluster(&format!("certificatesDir: {PKI}")))?;
    for certificate in ["etcd-ca", "etcd-server", "apiserver-etcd-client"] {
        node.kubestrap(&["init", "phase", "certs", certificate, "--config", CONFIG])?;
    }
    let mut etcd = start()?;
    let result = on(node);
    etcd.kill().context("etcd ended early")?;
    etcd.wait()?;
    result
}

fn on(node: &Node) -> anyhow::Result<()> {
    node.init_with(
        &Config::cluster(&format!(
            "etcd:\n  external:\n    endpoints: [\"{ENDPOINT}\"]\n    caFile: {PKI}/etcd/ca.crt\n    \
             certFile: {PKI}/apiserver-etcd-client.crt\n    keyFile: {PKI}/apiserver-etcd-client.key\n"
        )),
        &[],
    )?;
    let others: Vec<&str> = COMPONENTS.iter().copied().filter(|c| *c != "etcd").collect();
    cluster::healthy_with(node, &others)?;
    cluster::finished(node)?;
    ensure!(!Path::new(MANIFESTS).join("etcd.yaml").exists(), "there is a manifest for a local etcd");
    ensure!(!Path::new("/etc/kubernetes/pki/etcd/ca.key").exists(), "there is a CA for a local etcd");
    ensure!(node.processes("etcd").len() == 1, "there is more than one etcd");
    Ok(())
}

fn start() -> anyhow::Result<Child> {
    fs::create_dir_all("/var/lib/external-etcd")?;
    let log = File::create("/e2e/logs/etcd.log")?;
    Command::new("etcd")
        .args(["--data-dir=/var/lib/external-etcd", "--client-cert-auth"])
        .args([format!("--listen-client-urls={ENDPOINT}"), format!("--advertise-client-urls={ENDPOINT}")])
        .args([format!("--cert-file={PKI}/etcd/server.crt"), format!("--key-file={PKI}/etcd/server.key")])
        .arg(format!("--trusted-ca-file={PKI}/etcd/ca.crt"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("etcd can't be started")
}
