//! kubeadm at home on what kubestrap leaves, and the other way round.

use anyhow::{Context, ensure};

use crate::command::Output;
use crate::config::Config;
use crate::node::{CONFIG, Node};
use crate::{cluster, fresh};

pub(super) fn kubeadm(node: &Node, line: &str) -> anyhow::Result<Output> {
    node.run("kubeadm", &line.split(' ').collect::<Vec<_>>())?.success()
}

/// Those that look at a cluster, and those that change it.
pub(super) fn commands(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    cluster::finished(node)?;

    let expiration = kubeadm(node, "certs check-expiration")?;
    for certificate in
        ["admin.conf", "apiserver-etcd-client", "etcd-peer", "front-proxy-client", "super-admin.conf"]
    {
        let line = expiration.stdout.lines().find(|l| l.starts_with(certificate));
        let line = line.with_context(|| format!("kubeadm does not see {certificate}"))?;
        ensure!(line.contains("364d"), "kubeadm says: {line}");
    }
    let said = format!("{}{}", expiration.stdout, expiration.stderr);
    ensure!(said.contains("\"kubeadm-config\" ConfigMap"), "kubeadm does not read the configuration");

    ensure!(kubeadm(node, "token list")?.stdout.lines().count() > 1, "kubeadm sees no token");
    let join = kubeadm(node, "token create --print-join-command")?.stdout;
    ensure!(join.contains("--discovery-token-ca-cert-hash sha256:"), "kubeadm's join command is {join:?}");

    kubeadm(node, &format!("init phase upload-config all --config {CONFIG}"))?;
    let user = kubeadm(node, &format!("kubeconfig user --client-name alice --config {CONFIG}"))?;
    ensure!(
        user.stdout.contains("current-context: alice@kubernetes"),
        "kubeadm makes no kubeconfig for alice"
    );

    // Two of its checks need a network for Pods, which there is none of here.
    let plan = kubeadm(node, &format!("upgrade plan {} --ignore-preflight-errors=all", node.plan.version))?;
    ensure!(plan.stdout.contains("Cluster version:"), "kubeadm does not plan an upgrade: {}", plan.stdout);

    kubeadm(node, "certs renew all")?;
    kubeadm(node, "certs check-expiration")?;
    cluster::healthy(node)
}

/// What kubeadm made, kubestrap takes away.
pub(super) fn reset(node: &Node) -> anyhow::Result<()> {
    let ignored = node.prepare_init(&Config::default())?;
    kubeadm(node, &format!("init --config {CONFIG} {ignored}"))?;
    cluster::healthy(node)?;
    node.reset()?;
    fresh::assert(node)?;
    node.init()?;
    cluster::healthy(node)
}
