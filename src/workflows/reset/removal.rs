//! Removing files, and telling what is left.

use std::path::Path;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Fails where something is left.
pub(super) fn all_removed(left: &[String]) -> PhaseResult {
    if left.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(Error::new(
        ExitStatus::Failed,
        format!(
            "could not remove everything:\n  {}\n  fix: resolve these and run `kubestrap reset` again",
            left.join("\n  ")
        ),
    ))
}

/// Removes what is in a folder, and keeps the folder: it may be a mount point, or have an owner.
pub(super) fn empty(run: &mut Run, folder: &Path, left: &mut Vec<String>) {
    let entries = run.host.list(folder).unwrap_or_default();
    if entries.is_empty() {
        return;
    }
    run.act(Verb::Remove, format!("the contents of {}", folder.display()));
    for path in entries {
        take_away(run, &path, left);
    }
}

/// Removes a file or folder, if it is there.
pub(super) fn remove(run: &mut Run, path: &Path, left: &mut Vec<String>) {
    if run.host.exists(path) {
        run.act(Verb::Remove, path.display().to_string());
        take_away(run, path, left);
    }
}

fn take_away(run: &mut Run, path: &Path, left: &mut Vec<String>) {
    match run.host.remove_all(path) {
        Ok(()) => run.changes.removed.push(path.to_owned()),
        Err(error) => left.push(error.to_string()),
    }
}
