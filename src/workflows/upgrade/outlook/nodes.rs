//! The cluster's nodes: whether they are ready, and which kubelets they run.

use super::Evidence;
use crate::finding::Finding;

pub(super) fn kubelet_runs(e: &Evidence) -> Vec<Finding> {
    if e.kubelet_active != Some(false) {
        return vec![];
    }
    vec![
        Finding::error("kubelet does not run on this node")
            .cause("nothing here starts the Pods of the new version, or those of the old one again")
            .fix("`systemctl start kubelet`; if it exits again, `kubestrap diagnose` tells why"),
    ]
}

pub(super) fn registered(e: &Evidence) -> Vec<Finding> {
    let here = e.after.node_name();
    if !e.control_plane || e.survey.nodes.iter().any(|node| node.name == here) {
        return vec![];
    }
    vec![
        Finding::error(format!("the cluster has no Node {here}, which is this machine's"))
            .evidence(format!(
                "its Nodes are: {}",
                e.survey.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ")
            ))
            .cause("it was deleted: kubelet registers it again only when it starts, without the labels and taints of a control plane")
            .fix("`systemctl restart kubelet`, then `kubestrap init phase mark-control-plane`"),
    ]
}

pub(super) fn static_pod_manifests(e: &Evidence) -> Vec<Finding> {
    if e.missing_manifests.is_empty() {
        return vec![];
    }
    let files: Vec<String> = e.missing_manifests.iter().map(|p| p.display().to_string()).collect();
    vec![
        Finding::error(format!("manifest files not found: {}", files.join(", ")))
            .cause("every control-plane node has these manifests")
            .fix("write them again with `kubestrap init phase control-plane all --config FILE`, or restore them from a backup in /etc/kubernetes/tmp"),
    ]
}

pub(super) fn control_planes_ready(e: &Evidence) -> Vec<Finding> {
    not_ready(e, true)
}

pub(super) fn workers_ready(e: &Evidence) -> Vec<Finding> {
    let mut findings = not_ready(e, false);
    if !e.survey.nodes.is_empty() && e.survey.nodes.iter().all(|node| !node.schedulable) {
        findings.push(
            Finding::warning("no node is schedulable, so the health check by a Job is left out")
                .fix("`kubectl uncordon` a node"),
        );
    }
    findings
}

fn not_ready(e: &Evidence, control_plane: bool) -> Vec<Finding> {
    let nodes = e.survey.nodes.iter().filter(|n| n.control_plane == control_plane);
    let finding = |node: &crate::workflows::upgrade::survey::Node| {
        let why = node.not_ready.as_ref()?;
        let finding = if control_plane { Finding::error } else { Finding::warning };
        let role = if control_plane { "control-plane node" } else { "node" };
        let finding = finding(format!("{role} {} is not ready", node.name))
            .evidences(Some(why.clone()).filter(|why| !why.is_empty()));
        Some(finding.fix(format!("see `kubectl describe node {}` and kubelet's log there", node.name)))
    };
    nodes.filter_map(finding).collect()
}

/// kubelet must not be newer than the API server that it asks.
pub(super) fn kubelet_versions(e: &Evidence) -> Vec<Finding> {
    let target = &e.after.cluster.version;
    let newer = e
        .survey
        .kubelets()
        .filter(|(_, version)| (version.major(), version.minor()) > (target.major(), target.minor()));
    newer
        .map(|(node, version)| {
            Finding::error(format!("kubelet on {node} is {version}, newer than {target}"))
                .cause("kubelet must not be of a later minor than the API server")
                .fix(format!("install kubelet {target} on {node}, or upgrade to a later minor"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn worker_that_is_not_ready_is_only_a_warning() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        let worker = crate::workflows::upgrade::survey::Node {
            name: "w1".into(),
            not_ready: Some("kubelet stopped posting node status".into()),
            schedulable: true,
            kubelet: "v1.37.0".into(),
            ..Default::default()
        };
        e.survey.nodes.push(worker);
        assert_eq!(control_planes_ready(&e), []);
        let found = workers_ready(&e);
        assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
        assert!(found[0].evidence[0].contains("stopped posting"));
        assert!(kubelet_versions(&e)[0].what.contains("w1 is v1.37.0"));
    }

    #[test]
    fn kubelet_that_does_not_run_and_node_that_is_gone_are_errors() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!((kubelet_runs(&e), registered(&e)), (vec![], vec![]));
        e.kubelet_active = Some(false);
        assert_eq!(kubelet_runs(&e)[0].severity, Severity::Error);
        e.survey.nodes[0].name = "other".into();
        let found = registered(&e);
        assert!(found[0].evidence[0].contains("other"), "{found:?}");
        e.control_plane = false;
        assert_eq!(registered(&e), [], "a worker may not read Nodes");
    }

    #[test]
    fn missing_manifests_are_named() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        e.missing_manifests.push("/etc/kubernetes/manifests/kube-scheduler.yaml".into());
        assert!(static_pod_manifests(&e)[0].what.contains("kube-scheduler.yaml"));
    }
}
