//! `mark-control-plane`: labels and taints of this Node.

use super::node::apply_to_node;
use crate::cluster::{self, CONTROL_PLANE_LABELS};
use crate::config::settings::taint_text;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Labels and taints this Node.
///
/// # Errors
/// When the Node is missing or can't be changed.
pub(crate) fn mark(run: &mut Run) -> PhaseResult {
    let node = run.settings.node_name();
    run.act(
        Verb::Mark,
        format!(
            "the node {node} as control-plane by adding the labels: [{}]",
            CONTROL_PLANE_LABELS.join(" ")
        ),
    );
    let taints = &run.settings.node.taints;
    if !taints.is_empty() {
        let taints: Vec<String> = taints.iter().map(taint_text).collect();
        run.act(
            Verb::Mark,
            format!("the node {node} as control-plane by adding the taints [{}]", taints.join(" ")),
        );
    }
    apply_to_node(run, cluster::mark_control_plane(&run.settings)?)?;
    Ok(Outcome::Done)
}
