//! `finish`: what is left to do for other nodes.

use serde_json::Value;

use super::Restore;
use super::progress::Progress;
use crate::cluster::CONTROL_PLANE_LABELS;
use crate::workflow::{Outcome, PhaseResult};

/// Tells of Nodes of before and of a changed address, and ends the restore.
pub(super) fn run(restore: &mut Restore) -> PhaseResult {
    let Restore { run, archive } = restore;
    let own = run.settings.node_name().to_owned();
    let nodes = if run.watch.waits() { run.cluster.list("Node", "")? } else { vec![] };
    let name = |node: &Value| node.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let is_control_plane = |node: &Value| {
        let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
        labels.is_some_and(|labels| CONTROL_PLANE_LABELS.iter().any(|label| labels.contains_key(*label)))
    };
    let mut workers = 0;
    for node in &nodes {
        match name(node) {
            Some(name) if name != own && is_control_plane(node) => run.warn(format!(
                "Node {name} was a control-plane node: its etcd is not a member any more\n    fix: if that machine is gone, `kubectl delete node {name}`; if it still runs, run `kubestrap reset` there, and join it again"
            )),
            Some(name) if name != own => workers += 1,
            _ => {}
        }
    }
    let (old, new) = (&archive.manifest.node.address, run.settings.node.advertise_address.to_string());
    if *old != new {
        run.log(format!("This node's address is {new}; the backup's was {old}"));
        let endpoint = run.settings.control_plane_endpoint();
        let by_name = !run.settings.cluster.config.control_plane_endpoint.is_empty();
        if by_name && !endpoint.contains(old.as_str()) {
            run.log(format!(
                "Other nodes and kubeconfigs reach the control plane by {endpoint}: point it to {new}, and they come back by themselves"
            ));
        } else {
            run.warn(format!(
                "other nodes ({workers} workers) and kubeconfigs name the old address {old}\n    fix: on each of those nodes, put https://{} as `server` into /etc/kubernetes/kubelet.conf and restart kubelet, or reset and join it again; give administrators the new admin.conf. A controlPlaneEndpoint with a DNS name spares this the next time",
                run.settings.control_plane_endpoint()
            ));
        }
    }
    run.done(
        "The cluster is restored: join other control-plane nodes again with `kubestrap join --control-plane`",
    );
    Progress::forget(run)?;
    Ok(Outcome::Done)
}
