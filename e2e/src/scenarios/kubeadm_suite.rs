//! kubeadm's own end-to-end tests, `test/e2e_kubeadm` in the source of Kubernetes, on a cluster of ours.

use anyhow::{Context, ensure};

use super::join::{init_with, joined};
use crate::config::Config;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node};

/// What `go test -c` makes of them.
pub(super) const PROGRAM: &str = "e2e_kubeadm";

/// All of them pass where two control planes share their certificates, and a worker has joined.
pub(super) fn all(node: &Node) -> anyhow::Result<()> {
    let join = init_with(node, Config::default())?;
    let as_worker: Vec<String> = join.iter().take_while(|word| *word != "--control-plane").cloned().collect();
    let machines = [Neighbour::new(node, 1)?, Neighbour::new(node, 2)?];
    let [worker, control_plane] = &machines;
    joined(node, worker, "kubestrap", &as_worker)?;
    joined(node, control_plane, "kubestrap", &join)?;

    let said = node.run(PROGRAM, &["--kubeconfig", ADMIN, "--ginkgo.no-color"])?.success()?;
    let ran = said.stdout.lines().find(|line| line.starts_with("Ran ")).context("no spec was run")?;
    node.note(ran);
    let words: Vec<&str> = ran.split(' ').collect();
    ensure!(words.get(1) == words.get(3), "some specs were left out: {ran}");
    Ok(())
}
