//! Control planes that join clusters of other kinds than the usual.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::external_etcd;
use super::join::{init, init_with, is_control_plane, joined, runs, voting};
use super::join_faults::fill;
use crate::config::Config;
use crate::json::at;
use crate::machine::{NODE_NAME, Network};
use crate::neighbour::Neighbour;
use crate::node::{Node, PATIENCE};
use crate::wait::eventually;

/// The join's words as a file.
const FILE: &str = "kind: JoinConfiguration\n\
    discovery: {bootstrapToken: {token: TOKEN, caCertHashes: ['HASH'], apiServerEndpoint: '10.88.0.2:6443'}}\n\
    controlPlane: {certificateKey: KEY}\n";

/// An etcd outside of the cluster: its client certificate is downloaded, and it gets no member.
pub(super) fn external_etcd(node: &Node) -> anyhow::Result<()> {
    let address = Network::alone().address.to_string();
    external_etcd::with(node, &address, |config| {
        let join = init_with(node, Config::cluster(config))?;
        let machine = Neighbour::new(node, 1)?;
        // It sees what the first machine has outside of Kubernetes' own folders.
        machine.run(&["rm", "-r", "/etc/etcd"])?.success()?;
        joined(node, &machine, "kubestrap", &join)?;
        runs(node, &machine, &["kube-apiserver", "kube-controller-manager", "kube-scheduler"])?;
        ensure!(machine.read("/etc/kubernetes/manifests/etcd.yaml").is_err(), "it has an etcd of its own");
        Ok(())
    })
}

/// IPv4 and IPv6.
pub(super) fn dual_stack(node: &Node) -> anyhow::Result<()> {
    let both = |network: &Network| format!("{},{}", network.address, network.address_v6);
    let node_ip = |network: &Network| {
        format!(
            "nodeRegistration:\n  kubeletExtraArgs:\n  - {{name: node-ip, value: \"{}\"}}\n",
            both(network)
        )
    };
    let config = Config {
        init: node_ip(&Network::alone()),
        cluster: "networking:\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  \
                  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n"
            .to_owned(),
        ..Config::default()
    };
    let join = init_with(node, config)?;
    let machine = Neighbour::new(node, 1)?;
    let network = Network::beside(1);
    let file = format!("apiVersion: kubeadm.k8s.io/v1beta4\n{FILE}{}", node_ip(&network));
    joined(node, &machine, "kubestrap", &from_file(&machine, &fill(&file, &join))?)?;
    is_control_plane(node, &machine)?;
    voting(node, &[NODE_NAME, machine.name()])?;
    let manifest = machine.read("/etc/kubernetes/manifests/kube-apiserver.yaml")?;
    ensure!(manifest.contains("--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112"), "{manifest}");
    eventually("the Node has addresses and Pod subnets of both families", PATIENCE, || {
        let found = node.get(&["node", machine.name()])?;
        let addresses = at(&found, "/status/addresses").to_string();
        let has = |address: String| addresses.contains(&format!("\"{address}\""));
        ensure!(has(network.address.to_string()) && has(network.address_v6.to_string()), "{addresses}");
        let subnets = found.pointer("/spec/podCIDRs").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(subnets == 2, "it has {subnets} Pod subnets");
        Ok(())
    })
}

/// ECDSA keys in a folder of the user's, and a file of v1beta3 with patches, flags of kubelet and no taint.
pub(super) fn custom(node: &Node) -> anyhow::Result<()> {
    let cluster = Config::cluster("encryptionAlgorithm: ECDSA-P256\ncertificatesDir: /etc/kubernetes/keys\n");
    let join = init_with(node, cluster)?;
    let machine = Neighbour::new(node, 1)?;
    machine.run(&["mkdir", "/var/patches"])?.success()?;
    let patch = machine.put("patch", "metadata: {annotations: {e2e/patched: \"yes\"}}\n")?;
    machine.run(&["cp", &patch, "/var/patches/kube-apiserver0+strategic.yaml"])?.success()?;
    let file = format!(
        "apiVersion: kubeadm.k8s.io/v1beta3\n{FILE}patches: {{directory: /var/patches}}\n\
         nodeRegistration: {{taints: [], kubeletExtraArgs: {{node-labels: e2e/kind=custom}}}}\n"
    );
    joined(node, &machine, "kubestrap", &from_file(&machine, &fill(&file, &join))?)?;
    is_control_plane(node, &machine)?;
    voting(node, &[NODE_NAME, machine.name()])?;
    for key in ["ca.key", "apiserver.key", "etcd/peer.key", "sa.key"] {
        let text = machine.read(&format!("/etc/kubernetes/keys/{key}")).with_context(|| key.to_string())?;
        ensure!(text.starts_with("-----BEGIN EC PRIVATE KEY-----"), "{key} is of another kind");
    }
    ensure!(machine.read("/etc/kubernetes/pki/ca.key").is_err(), "there is a CA in the usual place too");
    let pod = format!("kube-apiserver-{}", machine.name());
    let pod = node.get(&["--namespace", "kube-system", "pod", &pod])?;
    ensure!(at(&pod, "/metadata/annotations/e2e~1patched") == "yes", "kube-apiserver is not patched");
    let found = node.get(&["node", machine.name()])?;
    ensure!(at(&found, "/metadata/labels/e2e~1kind") == "custom", "kubelet has not got its flag");
    let taints = at(&found, "/spec/taints").to_string();
    ensure!(!taints.contains("node-role.kubernetes.io/control-plane"), "its taints are {taints}");
    Ok(())
}

/// kubeadm's own commands on a machine that kubestrap joined; its `reset` takes the member away.
pub(super) fn kubeadm_at_home(node: &Node) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let machine = Neighbour::new(node, 1)?;
    joined(node, &machine, "kubestrap", &join)?;
    is_control_plane(node, &machine)?;
    let kubeadm = |line: &str| {
        let words: Vec<&str> = std::iter::once("kubeadm").chain(line.split(' ')).collect();
        machine.run(&words)?.success()
    };
    let expiration = kubeadm("certs check-expiration")?;
    let said = format!("{}{}", expiration.stdout, expiration.stderr);
    ensure!(said.contains("\"kubeadm-config\" ConfigMap"), "kubeadm does not read the configuration: {said}");
    for certificate in ["admin.conf", "apiserver-etcd-client", "etcd-peer", "front-proxy-client"] {
        let line = expiration.stdout.lines().find(|l| l.starts_with(certificate));
        ensure!(line.is_some_and(|l| l.contains("364d")), "kubeadm says of {certificate}: {line:?}");
    }
    ensure!(kubeadm("token list")?.stdout.lines().count() > 1, "kubeadm sees no token");
    let plan = kubeadm(&format!("upgrade plan {} --ignore-preflight-errors=all", node.plan.version))?;
    ensure!(plan.stdout.contains("Cluster version:"), "kubeadm does not plan an upgrade: {}", plan.stdout);
    kubeadm("certs renew all")?;
    kubeadm("reset --force")?;
    voting(node, &[NODE_NAME])
}

fn from_file(machine: &Neighbour<'_>, text: &str) -> anyhow::Result<Vec<String>> {
    Ok(vec!["join".to_owned(), "--config".to_owned(), machine.put("join.yaml", text)?])
}
