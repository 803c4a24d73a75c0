//! Addons that somebody changed by hand: the upgrade installs them anew.

use super::Evidence;
use crate::diff::unified;
use crate::finding::Finding;

/// How many lines of a difference are shown.
const LINES: usize = 12;

pub(super) fn changed(e: &Evidence) -> Vec<Finding> {
    let findings = e.changed_addons.iter().filter_map(|change| {
        let (before, after) = change.texts().ok()?;
        let name = change.object.to_string();
        // From what is expected to what is there.
        let diff = unified(&name, Some(&after), &before);
        let lines: Vec<String> = diff
            .lines()
            .skip(2)
            .filter(|line| line.starts_with(['+', '-']))
            .take(LINES)
            .map(str::to_owned)
            .collect();
        if lines.is_empty() {
            return None;
        }
        Some(
            Finding::warning(format!("{name} is not as the cluster's version installs it: the upgrade replaces it"))
                .evidences(lines)
                .cause("somebody changed it, or another tool installed it")
                .fix("keep your changes as patches (`--patches`), or keep it out of the upgrade with `--skip-phases addon`"),
        )
    });
    findings.collect()
}
