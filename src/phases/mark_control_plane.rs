//! `mark-control-plane`: labels and taints of this Node.

use super::context::InitContext;
use super::node::apply_to_node;
use super::phase::{Outcome, Phase};
use crate::cluster::{self, CONTROL_PLANE_LABELS};

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("mark-control-plane", "Mark this node as one of the control plane", |c: &mut InitContext| {
        let node = c.settings.node_name();
        c.out.log(
            "mark-control-plane",
            format!("Labelling node {node}: [{}]", CONTROL_PLANE_LABELS.join(" ")),
        );
        if !c.settings.taints.is_empty() {
            let taint = |t: &k8s_openapi::api::core::v1::Taint| match &t.value {
                Some(value) if !value.is_empty() => format!("{}={value}:{}", t.key, t.effect),
                _ => format!("{}:{}", t.key, t.effect),
            };
            let taints: Vec<String> = c.settings.taints.iter().map(taint).collect();
            c.out.log("mark-control-plane", format!("Tainting node {node}: [{}]", taints.join(" ")));
        }
        apply_to_node(c, "mark-control-plane", cluster::mark_control_plane(&c.settings)?)?;
        Ok(Outcome::Done)
    })
}
