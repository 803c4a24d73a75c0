//! `remove-etcd-member`.

use super::Reset;
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::workflow::{Outcome, PhaseResult};

/// Tells how to remove this node's etcd member from a cluster of several: the other members would count it as failed
/// for ever.
pub(super) fn remove_member(reset: &mut Reset) -> PhaseResult {
    let run = &mut reset.run;
    let manifests = &run.settings.node.paths.manifests;
    let pod = match StaticPod::read(manifests, Component::Etcd, &*run.host) {
        Ok(Some(pod)) => pod,
        Ok(None) => {
            return Ok(Outcome::Skipped(
                "Skipping the removal of the etcd member: there is no etcd manifest".into(),
            ));
        }
        Err(error) => {
            run.warn(format!("could not look for an etcd member to remove: {error}"));
            return Ok(Outcome::Done);
        }
    };
    // A member that joined others has this in its manifest.
    if pod.flag("initial-cluster-state").as_deref() == Some("existing") {
        let name = pod.flag("name").unwrap_or_default();
        run.warn(format!(
            "the etcd member {name} joined a cluster of several members\n    fix: if they still run, remove it there: `etcdctl member list`, then `etcdctl member remove ID`"
        ));
    }
    Ok(Outcome::Done)
}
