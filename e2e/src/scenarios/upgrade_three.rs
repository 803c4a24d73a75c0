//! Three control planes and a worker that are upgraded, one machine at a time, while the API is read and written through
//! the load balancer.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::join::{at_once, command_to_join, is_control_plane, join_command, joined_version};
use super::kubeadm_suite::{self, POD_SUBNET};
use super::upgrade::{checks, install_kubelet, nodes_ready, span};
use crate::asking::{Asked, Asking};
use crate::balancer::Balancer;
use crate::cluster;
use crate::command::{Output, find};
use crate::config::Config;
use crate::json::at;
use crate::neighbour::{Neighbour, ignored_checks};
use crate::node::{ADMIN, MANIFESTS, Node, PATIENCE};
use crate::wait::eventually;

/// A version that is two minors above the API servers that are not upgraded yet.
const TOO_FAR: &str = "v1.37.0";

/// From the minor before to the programs' version.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let old = node.plan.older_by(1).context("--older-bin-dir names no release of the minor before")?;
    let target = node.plan.version.clone();
    let _balancer = Balancer::start(1..=3)?;
    let machines = (1..=4).map(|number| Neighbour::new(node, number)).collect::<anyhow::Result<Vec<_>>>()?;
    for machine in &machines {
        install_kubelet(&old.programs, |words| machine.run(words))?;
    }
    let (planes, worker) = machines.split_at(3);
    let (first, others) = planes.split_first().context("no machine")?;
    let worker = worker.first().context("no worker")?;
    make_cluster(node, &old.version, first, others, worker)?;
    nodes_ready(node)?;

    // Before the first control plane is upgraded there is nothing for the others to do.
    let second = others.first().context("no second machine")?;
    let early = second.run(&["kubestrap", "upgrade", "node", &checks(node)])?.success()?;
    ensure!(early.stdout.contains("upgrade apply"), "it does not tell what comes first: {}", early.stdout);

    let manifest = format!("{MANIFESTS}/etcd.yaml");
    second.run(&["mv", &manifest, "/root/"])?.success()?;
    eventually("a member of etcd is down", PATIENCE, || {
        let running = second.run(&["pidof", "etcd"])?;
        ensure!(running.code != Some(0), "it runs: {}", running.stdout);
        Ok(())
    })?;
    let down = first.run(&["kubestrap", "upgrade", "apply", &target, "--yes", &checks(node)])?;
    second.run(&["mv", "/root/etcd.yaml", &manifest])?.success()?;
    let named = down.stderr.contains("EtcdQuorum") && down.stderr.contains(second.name());
    ensure!(down.code == Some(3) && named, "etcd without a second member: {}", down.failure());
    // Its mirror Pod may still be what it was before: the API server beside it tells when the member serves.
    eventually("the member is back", PATIENCE, || answers(second))?;

    let asking = Asking::with(|path| first.read(path))?;
    std::thread::sleep(Duration::from_secs(1));
    let result = upgraded(node, "apply", first, &["upgrade", "apply", &target, "--yes"])?;
    ensure!(at(&result, "/changed") == &Value::Bool(true), "it says: {result}");
    let apart = first.run(&["kubestrap", "upgrade", "apply", TOO_FAR, "--yes", &checks(node)])?;
    let names = others.iter().all(|machine| apart.stderr.contains(machine.name()));
    ensure!(apart.code == Some(3) && names, "API servers two minors apart: {}", apart.failure());
    for machine in others {
        upgraded(node, "node", machine, &["upgrade", "node"])?;
    }
    upgraded(node, "worker", worker, &["upgrade", "node"])?;
    let asked = asking.stop()?;
    tell(node, "upgrades", &asked);
    // kubelet's package is replaced by its user. A kubelet of another minor ends every Pod at once, API server and etcd
    // together: what that costs is told, and is not the upgrade's.
    let asking = Asking::with(|path| first.read(path))?;
    for machine in &machines {
        install_kubelet(&node.plan.programs, |words| machine.run(words))?;
        machine.run(&["systemctl", "restart", "kubelet"])?.success()?;
        eventually("kubelet is new", PATIENCE, || joined_version(node, machine, &target))?;
        // A kubelet of another minor starts every Pod anew: one machine at a time.
        if machine.name() != worker.name() {
            eventually("its API server runs again", PATIENCE, || answers(machine))?;
        }
    }
    for machine in planes {
        is_control_plane(node, machine)?;
    }
    nodes_ready(node)?;
    tell(node, "kubelets", &asking.stop()?);
    at_version(node, &machines, &target)?;
    let again = upgraded(node, "again", first, &["upgrade", "apply", &target, "--yes"])?;
    ensure!(at(&again, "/changed") == &Value::Bool(false), "the second upgrade says: {again}");
    if find(kubeadm_suite::PROGRAM).is_some() {
        kubeadm_suite::suite(node)?;
    }
    ensure!(asked.failures.is_empty(), "requests failed:\n  {}", asked.failures.join("\n  "));
    Ok(())
}

/// Notes what became of the requests of a client.
fn tell(node: &Node, during: &str, asked: &Asked) {
    node.note(format!(
        "{during}: of {} requests {} failed, {} were to be repeated: {}; the slowest took {:.1} s",
        asked.count,
        asked.failures.len(),
        asked.repeated,
        span(&asked.failures),
        asked.slowest.as_secs_f64()
    ));
}

fn make_cluster(
    node: &Node,
    version: &str,
    first: &Neighbour<'_>,
    others: &[Neighbour<'_>],
    worker: &Neighbour<'_>,
) -> anyhow::Result<()> {
    let config =
        Config::cluster(&format!("controlPlaneEndpoint: \"{}\"\n{POD_SUBNET}", Balancer::endpoint()));
    let config = first.put("config.yaml", &config.text(version))?;
    let words = ["kubestrap", "init", "--config", &config, &ignored_checks(), "--upload-certs"];
    let init = first.run(&words)?.success()?;
    fs::create_dir_all("/etc/kubernetes")?;
    fs::write(ADMIN, first.read(ADMIN)?)?;
    let join = join_command(&init.stdout, true)?;
    let mut joining = others
        .iter()
        .map(|machine| command_to_join(machine, "kubestrap", &join))
        .collect::<anyhow::Result<Vec<_>>>()?;
    joining.push(command_to_join(worker, "kubestrap", &join_command(&init.stdout, false)?)?);
    for output in at_once(joining)? {
        node.log(&output)?;
        output.success()?;
    }
    for machine in std::iter::once(first).chain(others) {
        is_control_plane(node, machine)?;
    }
    joined_version(node, worker, version)
}

/// The machine's own API server answers for ten seconds.
fn answers(machine: &Neighbour<'_>) -> anyhow::Result<()> {
    for _ in 0..20 {
        machine
            .run(&[
                "curl",
                "--insecure",
                "--silent",
                "--fail",
                "--max-time",
                "1",
                "--output",
                "/dev/null",
                "https://127.0.0.1:6443/readyz",
            ])?
            .success()?;
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// Runs an upgrade on a machine; its result.
fn upgraded(node: &Node, what: &str, machine: &Neighbour<'_>, command: &[&str]) -> anyhow::Result<Value> {
    let checks = checks(node);
    let words = [&["kubestrap"], command, &["--output", "json", &checks]].concat();
    let output: Output = machine.run(&words)?.success().with_context(|| what.to_owned())?;
    node.note(format!("{what} {:.1} s", output.elapsed.as_secs_f64()));
    let result = output.stdout.lines().next_back().context("upgrade says nothing")?;
    Ok(serde_json::from_str(result)?)
}

/// Everything is of this version: static Pods, addons, kubelets and what the cluster stores.
fn at_version(node: &Node, machines: &[Neighbour<'_>], version: &str) -> anyhow::Result<()> {
    let kube_system = ["--namespace", "kube-system"];
    let pods = node.get(&[kube_system.as_slice(), &["pods"]].concat())?;
    let images: Vec<&str> = at(&pods, "/items")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pod| pod.pointer("/spec/containers/0/image")?.as_str())
        .collect();
    for component in cluster::COMPONENTS.iter().filter(|component| **component != "etcd") {
        let own = images.iter().filter(|image| image.contains(&format!("/{component}:")));
        let own: Vec<_> = own.collect();
        let planes = machines.len() - 1;
        ensure!(
            own.len() == planes && own.iter().all(|image| image.ends_with(version)),
            "{component} runs {own:?}"
        );
    }
    let references = &node.plan.references;
    for image in &images {
        ensure!(references.iter().any(|known| known == image), "{image} is not of {version}: {references:?}");
    }
    let config = node.get(&[kube_system.as_slice(), &["configmap", "kubeadm-config"]].concat())?;
    let stored = at(&config, "/data/ClusterConfiguration").as_str().unwrap_or_default();
    ensure!(stored.contains(&format!("kubernetesVersion: {version}\n")), "the cluster stores {stored}");
    for machine in machines {
        eventually("kubelet is new", PATIENCE, || joined_version(node, machine, version))?;
    }
    Ok(())
}
