//! What a healthy cluster looks like from outside.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::node::{Node, PATIENCE};
use super::wait::eventually;
use crate::json::at;
use crate::machine::NODE_NAME;

/// The components that run as static Pods.
pub(crate) const COMPONENTS: &[&str] =
    &["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// The name of a component's mirror Pod.
pub(crate) fn mirror_name(component: &str) -> String {
    format!("{component}-{NODE_NAME}")
}

/// `kubectl get --raw /readyz` says ok, the Node is registered, and the mirror Pods of `components` are Running, Ready
/// and owned by the Node.
///
/// # Errors
/// When that is not so, within a minute.
pub(crate) fn healthy_with(node: &Node, components: &[&str]) -> anyhow::Result<()> {
    let said = node.kubectl(&["get", "--raw", "/readyz"])?;
    ensure!(said.trim() == "ok", "/readyz says {said:?}");
    node.get(&["node", NODE_NAME]).context("the Node is not registered")?;
    for component in components {
        let what = format!("{} is Running, Ready and owned by the Node", mirror_name(component));
        eventually(&what, PATIENCE, || is_ready_mirror(&mirror(node, component)?))?;
    }
    Ok(())
}

/// All four components are healthy: /readyz, the Node, and the mirror Pods.
///
/// # Errors
/// When the cluster is not healthy.
pub fn healthy(node: &Node) -> anyhow::Result<()> {
    healthy_with(node, COMPONENTS)
}

/// The mirror Pod of `component`.
///
/// # Errors
/// When there is none.
pub(crate) fn mirror(node: &Node, component: &str) -> anyhow::Result<Value> {
    node.get(&["--namespace", "kube-system", "pod", &mirror_name(component)])
}

/// # Errors
/// When `pod` is not a mirror Pod that runs, is ready and is owned by the Node.
pub(crate) fn is_ready_mirror(pod: &Value) -> anyhow::Result<()> {
    ensure!(
        pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some(),
        "it is not a mirror Pod"
    );
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owned = owners.is_some_and(|o| {
        o.len() == 1 && o.iter().all(|o| at(o, "/kind") == "Node" && at(o, "/name") == NODE_NAME)
    });
    ensure!(owned, "its owners are {owners:?}");
    is_ready(pod)
}

/// # Errors
/// When `pod` does not run or is not ready.
pub(crate) fn is_ready(pod: &Value) -> anyhow::Result<()> {
    let phase = at(pod, "/status/phase");
    ensure!(phase == "Running", "its phase is {phase}");
    has_ready_condition(pod)
}

/// # Errors
/// When a Pod or Node does not have the condition Ready.
pub(crate) fn has_ready_condition(object: &Value) -> anyhow::Result<()> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let ready =
        conditions.is_some_and(|c| c.iter().any(|c| at(c, "/type") == "Ready" && at(c, "/status") == "True"));
    ensure!(ready, "it is not Ready");
    Ok(())
}

/// What `init` leaves in the cluster: configuration, token, role and taint of the Node, addons.
///
/// # Errors
/// When something of it is missing.
pub(crate) fn finished(node: &Node) -> anyhow::Result<()> {
    for (namespace, kind, name) in [
        ("kube-system", "configmap", "kubeadm-config"),
        ("kube-system", "configmap", "kubelet-config"),
        ("kube-public", "configmap", "cluster-info"),
        ("kube-system", "deployment", "coredns"),
        ("kube-system", "daemonset", "kube-proxy"),
    ] {
        node.get(&["--namespace", namespace, kind, name])?;
    }
    let found = node.get(&["node", NODE_NAME])?;
    let label = found.pointer("/metadata/labels/node-role.kubernetes.io~1control-plane");
    ensure!(label.is_some(), "the Node has no label of a control plane");
    let taints = found.pointer("/spec/taints").and_then(Value::as_array);
    let tainted =
        taints.is_some_and(|t| t.iter().any(|t| at(t, "/key") == "node-role.kubernetes.io/control-plane"));
    ensure!(tainted, "the Node has no taint of a control plane");
    // kube-controller-manager does that, some time after it has started.
    eventually("cluster-info is signed with a token", PATIENCE, || {
        let info = node.get(&["--namespace", "kube-public", "configmap", "cluster-info"])?;
        let data = at(&info, "/data").as_object().context("it is empty")?;
        ensure!(data.keys().any(|k| k.starts_with("jws-kubeconfig-")), "it is not signed");
        Ok(())
    })
}

/// The Pod's `metadata.uid`.
pub(crate) fn uid(pod: &Value) -> &str {
    pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

/// How often each component's container was restarted, and its id: what must not change when nothing is to be done.
///
/// # Errors
/// When a mirror Pod is missing.
pub(crate) fn containers(node: &Node) -> anyhow::Result<BTreeMap<String, String>> {
    COMPONENTS
        .iter()
        .map(|component| {
            let pod = mirror(node, component)?;
            let Some(status) = pod.pointer("/status/containerStatuses/0") else {
                bail!("{component} has no container")
            };
            Ok((
                (*component).to_owned(),
                format!("{} restarted {} times", at(status, "/containerID"), at(status, "/restartCount")),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(phase: &str, ready: &str, owner: &str) -> Value {
        json!({
            "metadata": {
                "annotations": { "kubernetes.io/config.mirror": "x" },
                "ownerReferences": [{ "kind": owner, "name": NODE_NAME }],
            },
            "status": { "phase": phase, "conditions": [{ "type": "Ready", "status": ready }] },
        })
    }

    #[test]
    fn a_mirror_pod_has_to_be_all_of_it() {
        assert!(is_ready_mirror(&pod("Running", "True", "Node")).is_ok());
        assert!(is_ready_mirror(&pod("Pending", "True", "Node")).is_err());
        assert!(is_ready_mirror(&pod("Running", "False", "Node")).is_err());
        assert!(is_ready_mirror(&pod("Running", "True", "ReplicaSet")).is_err());
        assert!(is_ready_mirror(&json!({ "status": { "phase": "Running" } })).is_err());
    }
}
