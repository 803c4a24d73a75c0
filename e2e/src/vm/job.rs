//! What happens in the machine, whoever booted it.

use std::path::Path;

use anyhow::ensure;

use crate::node::{Node, PATIENCE};
use crate::plan::Plan;
use crate::wait::eventually;
use crate::{cluster, fresh, systemd};

/// The exit code of an init whose control plane did not become healthy in time.
const NOT_HEALTHY: i32 = 4;
/// How often such an init is run again: an emulated machine on a busy one may need it.
const RUNS: u32 = 2;

/// `init` as a new user runs it; what it leaves; `init` again; `reset`.
///
/// # Errors
/// When something is not as it should be.
pub(crate) fn run(plan: Plan) -> anyhow::Result<()> {
    let node = Node::installed(plan, "kubestrap");
    let result = on(&node);
    crate::say::line(node.notes());
    result.inspect_err(|_| node.keep_pod_logs())
}

fn on(node: &Node) -> anyhow::Result<()> {
    let args = ["init", "--kubernetes-version", &node.plan.version];
    first(node, &args)?;
    eventually("the cluster is healthy", PATIENCE, || cluster::healthy(node))?;
    cluster::finished(node)?;
    kubelet_runs(node)?;
    let containers = cluster::containers(node)?;
    let took = node.kubestrap(&args)?.elapsed;
    node.note(format!("again {:.1} s", took.as_secs_f64()));
    ensure!(cluster::containers(node)? == containers, "the second init restarted containers");
    let took = node.reset()?.elapsed;
    node.note(format!("reset {:.1} s", took.as_secs_f64()));
    fresh::assert(node)?;
    let state = shown(node, "ActiveState")?;
    ensure!(state == "inactive", "after reset, kubelet's unit is {state}");
    Ok(())
}

/// `init`; where the machine is so slow that its time is up, run again, as it says.
fn first(node: &Node, args: &[&str]) -> anyhow::Result<()> {
    let mut output = node.run(&node.init, args)?;
    let mut more = RUNS;
    while output.code == Some(NOT_HEALTHY) && more > 0 {
        node.note(format!("time was up after {:.1} s", output.elapsed.as_secs_f64()));
        output = node.run(&node.init, args)?;
        more -= 1;
    }
    let took = output.success()?.elapsed;
    node.note(format!("init {:.1} s", took.as_secs_f64()));
    Ok(())
}

/// kubelet runs as systemd's, by its package's unit or ours and our drop-in, and starts with the machine.
fn kubelet_runs(node: &Node) -> anyhow::Result<()> {
    // Where no package brought one, kubestrap installs its own.
    let packaged = format!("{}/kubelet.service", systemd::PACKAGED);
    let unit = if Path::new(&packaged).exists() { &packaged } else { "/etc/systemd/system/kubelet.service" };
    for (property, wanted) in [
        ("ActiveState", "active"),
        ("SubState", "running"),
        ("UnitFileState", "enabled"),
        ("FragmentPath", unit),
        ("DropInPaths", "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"),
    ] {
        let found = shown(node, property)?;
        ensure!(found == wanted, "kubelet's unit has {property}={found}, not {wanted}");
    }
    Ok(())
}

fn shown(node: &Node, property: &str) -> anyhow::Result<String> {
    let output = node.run("systemctl", &["show", "kubelet", "--value", "--property", property])?.success()?;
    Ok(output.stdout.trim().to_owned())
}
