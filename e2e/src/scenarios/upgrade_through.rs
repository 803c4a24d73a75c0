//! One control plane that goes through several minors in one run, as far back as the user has programs.

use std::fs;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::upgrade::{apply, checks, install_kubelet, nodes_ready, run_words, span, tag};
use crate::asking::Asking;
use crate::cluster;
use crate::config::Config;
use crate::json::at;
use crate::node::{CONFIG, Node};

/// From the oldest release to the programs' version. kubelet may be three minors older than the API server: it stays as
/// it is until the control plane has come through, and is replaced once.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let mut releases: Vec<_> = (1..=3).filter_map(|minors| node.plan.older_by(minors)).collect();
    let oldest = releases.pop().context("--older-bin-dir names no release")?;
    ensure!(!releases.is_empty(), "--older-bin-dir names no release between {} and the last", oldest.version);
    install_kubelet(&oldest.programs, |words| run_words(node, words))?;
    fs::write(CONFIG, Config::default().text(&oldest.version))?;
    node.kubestrap(&["init", "--config", CONFIG, "--ignore-preflight-errors=all"])?;
    cluster::healthy(node)?;
    nodes_ready(node)?;
    node.kubectl(&["create", "configmap", "marker", "--from-literal=a=b"])?;

    // The versions on the way are the newest that are known; their images here are the user's patch of that minor.
    let checks = checks(node);
    let dry = ["upgrade", "apply", &node.plan.version, "--through-minors", "--yes", "--dry-run", &checks];
    let dry = node.kubestrap(&dry)?;
    let told = format!("{}{}", dry.stdout, dry.stderr);
    let way = told.lines().find_map(|line| line.split_once(" through "));
    let (_, way) = way.with_context(|| format!("the way is not told: {told}"))?;
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    for version in way.split(", ") {
        if let Some(release) = releases.iter().find(|release| minor(&release.version) == minor(version)) {
            tag(node, &release.references, version)?;
        }
    }

    let asking = Asking::start()?;
    let result = apply(node, &["--through-minors"])?;
    let asked = asking.stop()?;
    ensure!(at(&result, "/version") == node.plan.version.as_str(), "it says: {result}");
    ensure!(at(&result, "/changed") == &Value::Bool(true), "it says: {result}");
    node.note(format!(
        "from {} through {} minors in {} s; of {} requests {} failed: {}",
        oldest.version,
        releases.len(),
        at(&result, "/seconds"),
        asked.count,
        asked.failures.len(),
        span(&asked.failures)
    ));
    cluster::healthy(node)?;
    install_kubelet(&node.plan.programs, |words| run_words(node, words))?;
    node.run("systemctl", &["restart", "kubelet"])?.success()?;
    cluster::healthy(node)?;
    nodes_ready(node)?;
    node.kubectl(&["get", "configmap", "marker"])?;
    Ok(())
}
