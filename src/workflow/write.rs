//! What steps do to files and objects: done, noted, and told, as it happens.

use std::path::Path;

use super::run::Run;
use crate::cluster::{self, ClusterObject};
use crate::diff::{FileChange, unified};
use crate::error::Error;
use crate::host::{FileMode, Written};

impl Run {
    /// Writes a file, unless it has this content already. What that changes in a file of an earlier run is shown.
    ///
    /// # Errors
    /// When it can't be written; then it is as it was.
    pub(crate) fn write(&mut self, path: &Path, content: &[u8], mode: FileMode) -> Result<Written, Error> {
        // What can't be read can't be written either, and then that is told.
        let before = self.host.read(path).ok().flatten();
        let written = self.host.write(path, content, mode)?;
        if written == Written::Unchanged {
            self.changes.kept.push(path.to_owned());
            return Ok(written);
        }
        let change = FileChange::new(path.to_owned(), before, content);
        if change.replaces() && self.found_earlier() && !self.changes.created(path) {
            self.show_change(format!("Changed {}:\n{}", path.display(), change.unified().trim_end()));
        }
        self.changes.files.push(change);
        Ok(written)
    }

    /// Makes kubelet, once it watches its folder, look at manifests that were written while it started: it lists the
    /// folder a moment before it begins to watch it, and sees what was written in between at the next listing, 20
    /// seconds later.
    pub(crate) fn point_at_new_manifests(&self) {
        let manifests = &self.settings.node.paths.manifests;
        for file in self.changes.files.iter().filter(|file| file.path.starts_with(manifests)) {
            self.host.point_at(&file.path);
        }
    }

    /// Takes note that an existing file stays as it is.
    ///
    /// # Errors
    /// When a dry run can't copy it into its folder.
    pub(crate) fn keep(&mut self, path: &Path) -> Result<(), Error> {
        self.host.keep(path)?;
        if self.host.exists(path) {
            self.changes.kept.push(path.to_owned());
        }
        Ok(())
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it can't be removed.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<(), Error> {
        if self.host.exists(path) {
            self.host.remove(path)?;
            self.changes.removed.push(path.to_owned());
        }
        Ok(())
    }

    /// Applies objects to the cluster, and notes what that changes.
    ///
    /// # Errors
    /// When one of them can't be applied.
    pub(crate) fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<(), Error> {
        let changes = self.cluster.apply(objects)?;
        self.note(changes)
    }

    /// Takes note of what became of objects, and shows what changed in those of an earlier run.
    pub(crate) fn note(&mut self, changes: Vec<cluster::Change>) -> Result<(), Error> {
        for change in changes.iter().filter(|c| c.before.is_some() && self.found_earlier()) {
            let (before, after) = change.texts()?;
            let name = change.object.to_string();
            let diff = unified(&name, Some(&before), &after);
            self.show_change(format!("Changed {name}:\n{}", diff.trim_end()));
        }
        self.changes.objects.extend(changes);
        Ok(())
    }
}
