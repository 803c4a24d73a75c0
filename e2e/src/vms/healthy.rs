//! Whether the cluster of some machines is healthy, by what kubectl says in one of them.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::machines::Machines;
use crate::cluster::has_ready_condition;
use crate::json::at;
use crate::wait::eventually;

/// How long a cluster may take to be healthy again after its machines have booted.
const PATIENCE: Duration = Duration::from_secs(240);

/// kubectl, as the administrator.
pub(super) const KUBECTL: &str = "kubectl --kubeconfig /etc/kubernetes/admin.conf";

/// Waits until `nodes` Nodes and all Pods are ready, and kubestrap finds nothing wrong with the machine `number`.
pub(super) fn healthy(machines: &Machines, number: usize, nodes: usize) -> anyhow::Result<()> {
    eventually("the cluster is healthy", PATIENCE, || {
        let found = objects(machines, number, "nodes")?;
        ensure!(found.len() == nodes, "there are {} Nodes, not {nodes}", found.len());
        all_ready(&found)?;
        let pods = objects(machines, number, "pods --all-namespaces")?;
        // Four static Pods of each, kube-proxy of each, CoreDNS.
        ensure!(pods.len() > 5 * nodes, "there are {} Pods", pods.len());
        all_ready(&pods)?;
        machines.sh(number, "kubestrap diagnose")?.success().map(drop)
    })
}

fn all_ready(objects: &[Value]) -> anyhow::Result<()> {
    objects.iter().try_for_each(|object| {
        has_ready_condition(object)
            .with_context(|| format!("{} {}", at(object, "/kind"), at(object, "/metadata/name")))
    })
}

fn objects(machines: &Machines, number: usize, what: &str) -> anyhow::Result<Vec<Value>> {
    let shown = machines.sh(number, &format!("{KUBECTL} get {what} -o json"))?.success()?.stdout;
    let list: Value = serde_json::from_str(&shown)?;
    at(&list, "/items").as_array().cloned().context("kubectl shows no list")
}

/// The ids of all containers in the machine: a restart adds one.
pub(super) fn containers(machines: &Machines, number: usize) -> anyhow::Result<Vec<String>> {
    let listed = machines.sh(number, "ctr -n k8s.io containers list -q")?.success()?.stdout;
    let mut containers: Vec<String> = listed.lines().map(str::to_owned).collect();
    containers.sort();
    Ok(containers)
}
