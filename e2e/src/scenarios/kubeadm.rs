//! kubeadm at home on what kubestrap leaves, and the other way round.

use anyhow::{Context, ensure};

use crate::command::Output;
use crate::config::Config;
use crate::machine::Network;
use crate::node::{CONFIG, Node};
use crate::{cluster, fresh, second};

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

/// A worker joins with the command that `init` printed.
pub(super) fn join_worker(node: &Node) -> anyhow::Result<()> {
    let output = node.init()?;
    cluster::healthy(node)?;
    let words = join_command(&output.stdout, false)?;
    second::join(node, &words.iter().map(String::as_str).collect::<Vec<_>>(), false)
}

/// A control-plane node joins with the command that `init` printed: it fetches and decrypts the certificates.
pub(super) fn join_control_plane(node: &Node) -> anyhow::Result<()> {
    let endpoint = format!("controlPlaneEndpoint: \"{}:6443\"", Network::alone().address);
    let output = node.init_with(&Config::cluster(&endpoint), &["--upload-certs"])?;
    cluster::healthy(node)?;
    let words = join_command(&output.stdout, true)?;
    second::join(node, &words.iter().map(String::as_str).collect::<Vec<_>>(), true)
}

/// The words behind `kubeadm` of a join command in `text`.
fn join_command(text: &str, control_plane: bool) -> anyhow::Result<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let mut commands = joined.lines().filter_map(|l| {
        let words: Vec<&str> = l.split_whitespace().collect();
        let (program, rest) = words.split_first()?;
        let joins = matches!(*program, "kubeadm" | "kubestrap") && rest.first() == Some(&"join");
        joins.then(|| rest.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    });
    commands
        .find(|words| words.iter().any(|w| w == "--control-plane") == control_plane)
        .with_context(|| format!("there is no such join command in what init printed:\n{text}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_join_command_is_found_in_the_closing_message() {
        let text = "Workers join with this:\n\n  kubeadm join 10.0.0.1:6443 --token a.b \\\n\t--discovery-token-ca-cert-hash sha256:1 \\\n\t\
                    --control-plane --certificate-key 2\n\nor any worker to join:\n\nkubeadm join 10.0.0.1:6443 \
                    --token a.b \\\n\t--discovery-token-ca-cert-hash sha256:1 \n";
        let worker = join_command(text, false).unwrap().join(" ");
        assert_eq!(worker, "join 10.0.0.1:6443 --token a.b --discovery-token-ca-cert-hash sha256:1");
        assert!(join_command(text, true).unwrap().ends_with(&["--certificate-key".into(), "2".into()]));
        assert!(join_command("no", true).is_err());
    }
}
