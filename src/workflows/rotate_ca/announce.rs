//! How far each node has come, told to the others: an annotation on its Node.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::certs::rotation::Stage;
use crate::certs::utc;
use crate::cluster::{Apply, CONTROL_PLANE_LABELS, Cluster, ClusterError, ClusterObject};
use crate::error::Error;
use crate::workflow::Run;

/// The annotation.
const ANNOTATION: &str = "kubestrap/ca-rotation";

/// What a node tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// The Node's name.
    pub(crate) node: String,
    /// It runs a control plane.
    pub(crate) control_plane: bool,
    /// The rotation, the stage and when that was reached; none where it has told nothing.
    pub(crate) told: Option<(String, Stage, OffsetDateTime)>,
}

impl Announcement {
    fn of(node: &Value) -> Self {
        let text = |path: &str| node.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let labels = node.pointer("/metadata/labels");
        let [role, ..] = CONTROL_PLANE_LABELS;
        Self {
            node: text("/metadata/name").to_owned(),
            control_plane: labels.is_some_and(|labels| labels.get(role).is_some()),
            told: read(text("/metadata/annotations/kubestrap~1ca-rotation")),
        }
    }

    /// When the node reached a stage of the rotation `id`, or one after it.
    pub(crate) fn reached(&self, id: &str, stage: Stage) -> Option<OffsetDateTime> {
        self.told.as_ref().filter(|(of, reached, _)| of == id && *reached >= stage).map(|(_, _, time)| *time)
    }
}

fn read(text: &str) -> Option<(String, Stage, OffsetDateTime)> {
    let mut words = text.split(' ');
    let (id, stage, time) = (words.next()?, words.next()?, words.next()?);
    Some((id.to_owned(), Stage::of_name(stage)?, OffsetDateTime::parse(time, &Rfc3339).ok()?))
}

/// What each node tells.
///
/// # Errors
/// When the cluster can't be asked.
pub(crate) fn announcements(cluster: &mut dyn Cluster) -> Result<Vec<Announcement>, ClusterError> {
    Ok(cluster.list("Node", "")?.iter().map(Announcement::of).collect())
}

/// The control-plane nodes that have not reached a stage of the rotation `id`.
pub(crate) fn missing(all: &[Announcement], id: &str, stage: Stage) -> Vec<String> {
    let missing = all.iter().filter(|a| a.control_plane && a.reached(id, stage).is_none());
    missing.map(|a| a.node.clone()).collect()
}

/// When the last control-plane node switched in the rotation `id`. A node that has finished tells only when that was, and
/// is passed over: what was started before it switched was in its way already.
pub(super) fn last_switch(all: &[Announcement], id: &str) -> Option<OffsetDateTime> {
    let told = all.iter().filter(|a| a.control_plane).filter_map(|a| a.told.as_ref());
    let switched = told.filter(|(of, stage, _)| of == id && *stage == Stage::Switched);
    switched.map(|(.., time)| *time).max()
}

/// Tells the others what this node has reached.
///
/// # Errors
/// When the cluster does not take it.
pub(super) fn announce(run: &mut Run, id: &str, stage: Stage) -> Result<(), Error> {
    let told = format!("{id} {} {}", stage.name(), utc(OffsetDateTime::now_utc()));
    let value = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": run.settings.node_name(), "annotations": { ANNOTATION: told } },
    });
    run.cluster.apply(vec![ClusterObject { value, mode: Apply::PatchNode, secret: false }])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, control_plane: bool, told: &str) -> Value {
        let labels = if control_plane { json!({ CONTROL_PLANE_LABELS[0]: "" }) } else { json!({}) };
        json!({ "metadata": { "name": name, "labels": labels, "annotations": { ANNOTATION: told } } })
    }

    #[test]
    fn control_planes_are_waited_for_that_are_behind_or_of_another_rotation() {
        let nodes = [
            node("cp1", true, "abc switched 2026-06-01T12:00:00Z"),
            node("cp2", true, "abc trusted 2026-06-01T12:00:00Z"),
            node("cp3", true, "old finished 2025-06-01T12:00:00Z"),
            node("cp4", true, "abc"),
            node("w1", false, ""),
        ];
        let all: Vec<Announcement> = nodes.iter().map(Announcement::of).collect();
        assert_eq!(missing(&all, "abc", Stage::Trusted), ["cp3", "cp4"]);
        assert_eq!(missing(&all, "abc", Stage::Switched), ["cp2", "cp3", "cp4"]);
        assert!(all[0].reached("abc", Stage::Trusted).is_some() && !all[4].control_plane);
    }

    #[test]
    fn time_of_the_switch_is_not_that_at_which_another_node_finished() {
        let time = |text| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        let mut all: Vec<Announcement> = [
            node("cp1", true, "abc switched 2026-06-01T12:00:00Z"),
            node("cp2", true, "abc switched 2026-06-01T12:01:00Z"),
            node("cp3", true, "abc finished 2026-06-01T12:09:00Z"),
            node("w1", false, "abc switched 2026-06-01T12:05:00Z"),
        ]
        .iter()
        .map(Announcement::of)
        .collect();
        assert_eq!(last_switch(&all, "abc"), Some(time("2026-06-01T12:01:00Z")));
        assert_eq!(last_switch(&all, "other"), None);
        all.truncate(1);
        assert_eq!(last_switch(&all, "abc"), Some(time("2026-06-01T12:00:00Z")));
    }
}
