//! What a run changes, or would change: noted, and told, as it happens.

use std::path::{Path, PathBuf};

use crate::cluster;
use crate::diff::FileChange;

/// What a run changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Files that were created or changed, in order.
    pub(crate) files: Vec<FileChange>,
    /// Files that were looked at and stay as they are.
    pub(crate) kept: Vec<PathBuf>,
    /// Objects that were created or changed.
    pub(crate) objects: Vec<cluster::Change>,
    /// Files that were removed.
    pub(crate) removed: Vec<PathBuf>,
    /// Services that were started or restarted.
    pub(crate) restarted: Vec<&'static str>,
}

impl Changes {
    /// Whether there was nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.objects.is_empty()
            && self.removed.is_empty()
            && self.restarted.is_empty()
    }

    /// Whether this run created the file.
    pub(super) fn created(&self, path: &Path) -> bool {
        self.files.iter().any(|file| file.path == path && !file.replaces())
    }
}
