//! A quorum of etcd that is lost for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::join::{init_behind_balancer, is_control_plane, joined};
use crate::balancer::Balancer;
use crate::command;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node, PATIENCE};
use crate::wait::eventually;

/// How many writes are to be acknowledged before.
const WRITES: usize = 40;

/// Two of three control planes are destroyed while the API is written to; the survivor recovers, and two fresh machines
/// join it: what was acknowledged before is there.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let _balancer = Balancer::start(1..=3)?;
    let (first, join) = init_behind_balancer(node)?;
    let mut others = [Neighbour::new(node, 2)?, Neighbour::new(node, 3)?];
    for machine in &others {
        joined(node, machine, "kubestrap", &join)?;
        is_control_plane(node, machine)?;
    }
    let refused = first.run(&["kubestrap", "etcd", "recover", "--yes"])?;
    ensure!(refused.code == Some(1) && refused.stderr.contains("has a quorum"), "{}", refused.failure());

    let acknowledged = written_until_destroyed(&mut others)?;
    node.note(format!("{} writes acknowledged", acknowledged.len()));
    let health = first.run(&["kubestrap", "etcd", "health"])?;
    ensure!(health.code == Some(4), "without a quorum, etcd health ends with {:?}", health.code);

    let recovered = first.run(&["kubestrap", "etcd", "recover", "--yes"])?.success()?;
    node.note(format!("recovered in {:.1} s", recovered.elapsed.as_secs_f64()));
    eventually("the API is written to", PATIENCE, || {
        node.kubectl(&["create", "configmap", "after-recovery"])
    })?;
    all_there(node, &acknowledged).context("after the recovery")?;
    // Its kube-controller-manager takes over from a lost one, which held the lease.
    node.kubectl(&["create", "namespace", "after-recovery"])?;
    eventually("kube-controller-manager leads", PATIENCE, || {
        node.kubectl(&["--namespace", "after-recovery", "get", "serviceaccount", "default"])
    })?;

    for machine in &mut others {
        machine.start_fresh()?;
        node.kubectl(&["delete", "node", machine.name()])?;
        joined(node, machine, "kubestrap", &join)?;
    }
    for machine in others.iter().chain([&first]) {
        is_control_plane(node, machine)?;
        eventually("etcd is healthy", PATIENCE, || machine.run(&["kubestrap", "etcd", "health"])?.success())?;
    }
    let members = first.run(&["kubestrap", "etcd", "members"])?.success()?.stdout;
    ensure!(members.lines().count() == 4, "etcd's members are not three:\n{members}");
    all_there(node, &acknowledged).context("with three members again")?;
    node.kubectl(&["get", "configmap", "after-recovery"]).map(drop)
}

/// Writes one object after the other; both machines are destroyed when enough were acknowledged. The names of these.
fn written_until_destroyed(machines: &mut [Neighbour]) -> anyhow::Result<Vec<String>> {
    let destroyed = AtomicBool::new(false);
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> anyhow::Result<Vec<String>> {
            let mut names: Vec<String> = vec![];
            while !destroyed.load(Ordering::Relaxed) {
                let name = format!("acknowledged-{}", names.len());
                let written = command::check(
                    "kubectl",
                    &["--kubeconfig", ADMIN, "--request-timeout", "5s", "create", "configmap", &name],
                );
                match written {
                    Ok(_) => names.push(name),
                    Err(error) if !enough.load(Ordering::Relaxed) => return Err(error),
                    Err(_) => {}
                }
                enough.fetch_or(names.len() >= WRITES, Ordering::Relaxed);
            }
            Ok(names)
        });
        while !enough.load(Ordering::Relaxed) && !writer.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        machines.iter_mut().for_each(Neighbour::cut);
        destroyed.store(true, Ordering::Relaxed);
        writer.join().unwrap_or_else(|_| bail!("the writer panicked"))
    })
}

fn all_there(node: &Node, names: &[String]) -> anyhow::Result<()> {
    let listed = node.kubectl(&["get", "configmaps", "--output", "name"])?;
    let lost: Vec<&String> =
        names.iter().filter(|name| !listed.lines().any(|l| l == format!("configmap/{name}"))).collect();
    ensure!(lost.is_empty(), "lost: {lost:?}");
    Ok(())
}
