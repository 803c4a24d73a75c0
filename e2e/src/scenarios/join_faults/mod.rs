//! What can go wrong with a join, on a real cluster: the cause is named, with what to do, soon, by the right exit code.

mod cluster;
mod discovery;
mod etcd;
mod fault;
mod machine;
mod usage;

use std::time::Duration;

use anyhow::ensure;

use super::join::{init, joined};
use crate::command::Output;
use crate::neighbour::{Neighbour, ignored_checks};
use crate::node::Node;

pub(super) use etcd::members;
use fault::Fault;
pub(super) use fault::fill;

/// Joins that are asked for wrongly, and clusters that are not found or are not the right one.
pub(super) fn discovery(node: &Node) -> anyhow::Result<()> {
    run(node, &[usage::FAULTS, discovery::FAULTS].concat())
}

/// Clusters that lack what a new node needs.
pub(super) fn cluster(node: &Node) -> anyhow::Result<()> {
    run(node, cluster::FAULTS)
}

/// Machines that can't become a node.
pub(super) fn machine(node: &Node) -> anyhow::Result<()> {
    run(node, machine::FAULTS)
}

/// Each fault on a fresh state of the same machine.
fn run(node: &Node, faults: &[Fault]) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let machine = Neighbour::new(node, 1)?;
    let mut wrong = vec![];
    for fault in faults {
        match meet(node, &machine, &join, fault) {
            Ok(Ok(seconds)) => node.note(format!("{} {seconds:.1} s", fault.name)),
            Ok(Err(why)) => wrong.push(format!("{}: {why}", fault.name)),
            Err(error) => wrong.push(format!("{} can't be tried: {error:#}", fault.name)),
        }
    }
    let count = faults.len();
    ensure!(wrong.is_empty(), "{} of {count} faults are told wrongly:\n{}", wrong.len(), wrong.join("\n"));
    // What a fault left on the machine or in the cluster is in nobody's way.
    joined(node, &machine, "kubestrap", &join)
}

/// After how many seconds the fault was told, or what is wrong with what was said.
fn meet(
    node: &Node,
    machine: &Neighbour<'_>,
    join: &[String],
    fault: &Fault,
) -> anyhow::Result<Result<f64, String>> {
    let kept = fault.objects.iter().map(|object| object.change(node)).collect::<anyhow::Result<Vec<_>>>();
    let output = kept.and_then(|kept| {
        let output = provoke(node, machine, join, fault);
        kept.iter().try_for_each(|object| object.put_back(node))?;
        output
    });
    shell(node, fault.mend_cluster)?;
    if !fault.fix.is_empty() {
        machine.run(&["sh", "-c", fault.fix])?.success()?;
    }
    machine.run(&["kubestrap", "reset", "--force"])?.success()?;
    machine.run(&["rm", "-rf", "/var/lib/etcd"])?.success()?;
    let _ = node.kubectl(&["delete", "node", machine.name(), "--ignore-not-found"])?;
    Ok(fault.judge(&output?))
}

fn provoke(node: &Node, machine: &Neighbour<'_>, join: &[String], fault: &Fault) -> anyhow::Result<Output> {
    shell(node, fault.cluster)?;
    for (name, text) in fault.files {
        machine.put(name, &fill(text, join))?;
    }
    if !fault.machine.is_empty() {
        machine.run(&["sh", "-c", fault.machine])?.success()?;
    }
    let line = fault.line(join)?;
    let ignored = ignored_checks();
    machine.run(&["sh", "-c", &format!("exec kubestrap {line} {ignored}")])
}

/// Runs a script on the cluster's first machine; `k` is kubectl.
fn shell(node: &Node, script: &str) -> anyhow::Result<()> {
    if script.is_empty() {
        return Ok(());
    }
    let script =
        format!("set -e; k() {{ kubectl --kubeconfig /etc/kubernetes/admin.conf \"$@\"; }}\n{script}");
    node.run("sh", &["-c", &script])?.success()?;
    Ok(())
}

/// From when a fault can be proven to when it must be told.
const LIMIT: Duration = Duration::from_secs(20);
