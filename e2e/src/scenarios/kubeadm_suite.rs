//! kubeadm's own end-to-end tests, `test/e2e_kubeadm` in the source of Kubernetes, on a cluster of ours.

use anyhow::{Context, bail, ensure};

use super::join::{init_with, joined};
use crate::config::Config;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node};

/// What `go test -c` makes of them.
pub(super) const PROGRAM: &str = "e2e_kubeadm";

/// A cluster without one has specs that skip themselves.
pub(super) const POD_SUBNET: &str = "networking: {podSubnet: 10.244.0.0/16}\n";

/// How many specs are for dual-stack clusters alone.
const DUAL_STACK: usize = 1;

/// All of them pass where two control planes share their certificates, and a worker has joined.
pub(super) fn all(node: &Node) -> anyhow::Result<()> {
    let join = init_with(node, Config::cluster(POD_SUBNET))?;
    let as_worker: Vec<String> = join.iter().take_while(|word| *word != "--control-plane").cloned().collect();
    let machines = [Neighbour::new(node, 1)?, Neighbour::new(node, 2)?];
    let [worker, control_plane] = &machines;
    joined(node, worker, "kubestrap", &as_worker)?;
    joined(node, control_plane, "kubestrap", &join)?;

    suite(node)
}

/// All of them pass on a cluster with one IP family and a Pod subnet; [`POD_SUBNET`] gives it that. `kubectl` of this
/// machine reaches it.
pub(super) fn suite(node: &Node) -> anyhow::Result<()> {
    let words = ["--kubeconfig", ADMIN, "--ginkgo.no-color", "--ginkgo.skip", "dual-stack"];
    let said = node.run(PROGRAM, &words)?.success()?;
    let ran = said.stdout.lines().find(|line| line.starts_with("Ran ")).context("no spec was run")?;
    node.note(ran);
    let count = |at: usize| ran.split(' ').nth(at).and_then(|word| word.parse::<usize>().ok());
    let (Some(ran_specs), Some(specs)) = (count(1), count(3)) else { bail!("it says: {ran}") };
    ensure!(ran_specs + DUAL_STACK == specs, "some specs were left out: {ran}");
    Ok(())
}
