//! The life of static Pods.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::cluster::{self, COMPONENTS};
use crate::json::at;
use crate::machine::NODE_NAME;
use crate::node::{MANIFESTS, Node, PATIENCE};
use crate::wait::eventually;

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    for component in COMPONENTS.iter().rev() {
        comes_back(node, component)?;
    }
    a_file_is_a_pod(node)
}

/// Kills the component's process: another takes its place, and the cluster is healthy again.
fn comes_back(node: &Node, component: &str) -> anyhow::Result<()> {
    let old = node.processes(component);
    let [pid] = old.as_slice() else { anyhow::bail!("{component} runs as {old:?}") };
    kill_process(Pid::from_raw(*pid).context("no process")?, Signal::KILL)?;
    eventually(&format!("{component} comes back after it was killed"), PATIENCE, || {
        let new = node.processes(component);
        ensure!(!new.is_empty() && new != old, "its processes are {new:?}");
        cluster::is_ready_mirror(&cluster::mirror(node, component)?)?;
        cluster::healthy(node)
    })
}

/// A Pod's file in the folder makes a Pod that runs; without it the Pod goes.
fn a_file_is_a_pod(node: &Node) -> anyhow::Result<()> {
    let file = Path::new(MANIFESTS).join("sleeper.yaml");
    // On the host's network: there is no other here.
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: sleeper\nspec:\n  hostNetwork: true\n  containers:\n  \
         - name: sleeper\n    image: {}\n    imagePullPolicy: Never\n",
        node.plan.pause()
    );
    let before = node.tasks()?;
    fs::write(&file, pod)?;
    let name = format!("sleeper-{NODE_NAME}");
    eventually("the new Pod runs", PATIENCE, || cluster::is_ready_mirror(&node.get(&["pod", &name])?))?;
    ensure!(node.tasks()?.len() == before.len() + 2, "the new Pod has no sandbox and container");
    fs::remove_file(&file)?;
    eventually("the Pod goes with its file", PATIENCE, || {
        ensure!(node.tasks()? == before, "it still runs");
        let list = node.get(&["pods"])?;
        ensure!(at(&list, "/items").as_array().is_some_and(Vec::is_empty), "its mirror Pod is still there");
        Ok(())
    })
}
