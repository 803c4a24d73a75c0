//! `certs rotate-ca status`.

use std::fmt::Write as _;

use serde_json::json;

use super::context::{self, begin};
use crate::certs::rotation::Stage;
use crate::certs::utc;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;
use crate::output::table::columns;
use crate::workflows::rotate_ca::{announcements, blockers};

/// Prints how far the rotation has come, and what keeps the old CAs from being dropped.
///
/// # Errors
/// When the cluster can't be asked.
pub(crate) fn status(out: &Printer) -> Result<ExitStatus, Error> {
    let mut rotation = match begin(true, false, &out.quiet())? {
        context::Node::ControlPlane(begun) => begun.rotation,
        context::Node::Worker(_) => {
            return Err(Error::new(
                ExitStatus::Usage,
                "this machine runs no control plane, and so does not know of the rotation\n  fix: run it on a control-plane node",
            ));
        }
    };
    let progress = rotation.progress.clone();
    if progress.id.is_empty() {
        out.result(
            json!({ "ok": true, "id": null }),
            "No rotation of the CAs is in progress on this node.\n",
        );
        return Ok(ExitStatus::Done);
    }
    let nodes = announcements(&mut *rotation.run.cluster)?;
    let left = match progress.reached {
        Some(Stage::Switched) => blockers(&mut rotation)?,
        _ => vec![],
    };
    let stage = |reached: Option<Stage>| reached.map_or("begun", Stage::name);
    let mut rows = vec![vec!["NODE".to_owned(), "ROLE".to_owned(), "REACHED".to_owned(), "AT".to_owned()]];
    for node in &nodes {
        let told = node.told.as_ref().filter(|(id, ..)| *id == progress.id);
        let (reached, at) = told.map_or(("-", String::new()), |(_, stage, at)| (stage.name(), utc(*at)));
        let role = if node.control_plane { "control-plane" } else { "worker" };
        rows.push(vec![node.node.clone(), role.to_owned(), reached.to_owned(), at]);
    }
    let direction = if progress.rolled_back { ", back to the old CAs" } else { "" };
    let mut text = format!(
        "rotation   {}{direction}\nthis node  {}\n\n{}",
        progress.id,
        stage(progress.reached),
        columns(&rows)
    );
    if !left.is_empty() {
        text += "\nLeft before the old CAs can be dropped:\n";
        for finding in &left {
            let fix = finding.fix.as_deref().map(|fix| format!("\n  fix: {fix}")).unwrap_or_default();
            let _ = writeln!(text, "- {}{fix}", finding.what);
        }
    } else if progress.reached == Some(Stage::Switched) {
        text += "\nNothing needs the old CAs any more: `kubestrap certs rotate-ca finish` drops them.\n";
    }
    let data = json!({
        "ok": true,
        "id": progress.id,
        "rolledBack": progress.rolled_back,
        "reached": progress.reached,
        "done": progress.done,
        "nodes": nodes.iter().map(|node| {
            let told = node.told.as_ref().filter(|(id, ..)| *id == progress.id);
            json!({ "name": node.node, "controlPlane": node.control_plane, "reached": told.map(|(_, s, _)| s) })
        }).collect::<Vec<_>>(),
        "left": left,
    });
    out.result(data, &text);
    Ok(ExitStatus::Done)
}
