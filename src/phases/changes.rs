//! What a run of init changes, or would change: noted, and told, as it happens.

use std::path::{Path, PathBuf};

use super::context::InitContext;
use super::phase::PhaseError;
use crate::cluster::{self, ClusterObject};
use crate::diff::{FileChange, unified};
use crate::host::{FileMode, Written};

/// What a run changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// Files that were made or changed, in order.
    pub files: Vec<FileChange>,
    /// Files that were looked at and stay as they are.
    pub kept: Vec<PathBuf>,
    /// Objects that were created or changed.
    pub objects: Vec<cluster::Change>,
    /// Services that were started, or started anew.
    pub restarted: Vec<&'static str>,
}

impl Changes {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.objects.is_empty() && self.restarted.is_empty()
    }
}

impl InitContext {
    /// Puts a file down, unless it says the same already. What it changes in one that is there is told.
    ///
    /// # Errors
    /// When it can't be written; then it is as it was.
    pub(super) fn write(
        &mut self,
        area: &str,
        path: &Path,
        content: &[u8],
        mode: FileMode,
    ) -> Result<Written, PhaseError> {
        // What can't be read can't be written either, and then that is told.
        let before = self.host.read(path).ok().flatten();
        let written = self.host.write(path, content, mode)?;
        if written == Written::Unchanged {
            self.changes.kept.push(path.to_owned());
            return Ok(written);
        }
        let change = FileChange::new(path.to_owned(), before, content);
        if change.replaces() {
            self.out.log(area, format!("Changed {}:\n{}", path.display(), change.unified().trim_end()));
        }
        self.changes.files.push(change);
        Ok(written)
    }

    /// Takes note that a file that is there stays as it is.
    ///
    /// # Errors
    /// When a dry run can't copy it into its folder.
    pub(super) fn keep(&mut self, path: &Path) -> Result<(), PhaseError> {
        self.host.keep(path)?;
        if self.host.exists(path) {
            self.changes.kept.push(path.to_owned());
        }
        Ok(())
    }

    /// Brings objects to the cluster, and notes what that changes.
    ///
    /// # Errors
    /// When one of them does not get there.
    pub fn apply(&mut self, area: &str, objects: Vec<ClusterObject>) -> Result<(), PhaseError> {
        let changes = self.cluster.apply(objects)?;
        self.note(area, changes)
    }

    /// Takes note of what became of objects, and tells what changed in those that were there.
    pub(super) fn note(&mut self, area: &str, changes: Vec<cluster::Change>) -> Result<(), PhaseError> {
        for change in changes.iter().filter(|c| c.before.is_some()) {
            let (before, after) = change.texts()?;
            let name = change.object.to_string();
            let diff = unified(&name, Some(&before), &after);
            self.out.log(area, format!("Changed {name}:\n{}", diff.trim_end()));
        }
        self.changes.objects.extend(changes);
        Ok(())
    }
}
