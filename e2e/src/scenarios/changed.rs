//! What another configuration changes: `diff` tells it, `init` does it.

use std::fs;

use anyhow::{Context, ensure};

use super::kubeadm;
use crate::cluster;
use crate::command::Output;
use crate::config::Config;
use crate::node::{CONFIG, Node};

/// `diff` with a configuration; it must end with `code`.
fn diff(node: &Node, config: &Config, code: i32) -> anyhow::Result<Output> {
    node.prepare_init(config)?;
    let output = node.run(&node.init, &["diff", "--config", CONFIG])?;
    ensure!(
        output.code == Some(code),
        "diff ends with {:?}, not {code}:\n{}\n{}",
        output.code,
        output.stdout,
        output.stderr
    );
    Ok(output)
}

/// No difference after init; then those that another configuration makes, and init makes these.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let clean = diff(node, &Config::default(), 0)?;
    node.note(format!("diff {:.2} s", clean.elapsed.as_secs_f64()));
    ensure!(clean.stdout.is_empty(), "no difference, but: {}", clean.stdout);
    ensure!(!clean.stderr.contains("not compared"), "{}", clean.stderr);

    let other = Config::cluster(
        "apiServer:\n  certSANs: [api.example.org]\nscheduler:\n  extraArgs: [{name: v, value: \"3\"}]\n",
    );
    let told = diff(node, &other, 1)?;
    for part in [
        "kube-scheduler.yaml",
        "+    - --v=3",
        "+++ ConfigMap kube-system/kubeadm-config",
        "+  DNS api.example.org",
    ] {
        ensure!(told.stdout.contains(part), "diff does not tell {part:?}:\n{}", told.stdout);
    }
    ensure!(told.stdout.matches("\n+++ ").count() <= 3, "diff tells more than that:\n{}", told.stdout);

    let before = cluster::containers(node)?;
    let output = node.init_with(&other, &[])?;
    ensure!(output.stderr.contains("+    - --v=3"), "init does not tell what it changes: {}", output.stderr);
    cluster::healthy(node)?;
    let after = cluster::containers(node)?;
    let restarted: Vec<_> = before.keys().filter(|c| before.get(*c) != after.get(*c)).collect();
    ensure!(restarted == ["kube-scheduler"], "restarted: {restarted:?}");
    for process in node.processes("kube-scheduler") {
        let line = fs::read_to_string(format!("/proc/{process}/cmdline"))?;
        ensure!(line.contains("--v=3"), "the scheduler that runs is the old one: {line}");
    }
    diff(node, &other, 0)?;

    let moved = Config::cluster("networking:\n  serviceSubnet: 10.200.0.0/16\n");
    let told = diff(node, &moved, 3)?;
    ensure!(told.stderr.contains("10.200.0.0/16"), "{}", told.stderr);
    let ignored = node.prepare_init(&moved)?;
    let refused = node.run(&node.init, &["init", "--config", CONFIG, &ignored])?;
    ensure!(refused.code == Some(3), "init ends with {:?}: {}", refused.code, refused.stderr);
    ensure!(refused.stderr.contains("10.96.0.0/12"), "{}", refused.stderr);
    ensure!(cluster::containers(node)? == after, "a refused init restarted something");
    diff(node, &other, 0).map(drop)
}

/// No difference on what kubeadm made of the same configuration.
pub(super) fn kubeadm(node: &Node) -> anyhow::Result<()> {
    let ignored = node.prepare_init(&Config::default())?;
    kubeadm::kubeadm(node, &format!("init --config {CONFIG} {ignored}"))?;
    cluster::healthy(node)?;
    diff(node, &Config::default(), 0)?;
    let before = cluster::containers(node)?;
    let output = node.init()?;
    ensure!(output.stdout.contains("nothing was changed"), "init changed something: {}", output.stderr);
    ensure!(cluster::containers(node)? == before, "init restarted something of kubeadm's");
    cluster::finished(node).context("after init")
}
