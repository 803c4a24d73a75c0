//! What went wrong with a file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A file that can't be handled as it should be.
#[derive(Debug, thiserror::Error)]
#[error("can't {action} {}: {reason}", .path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// Why it failed, with what to do where that is plain.
    pub reason: String,
    /// What the system said.
    #[source]
    pub source: Option<io::Error>,
}

impl FileError {
    pub(super) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            reason: format!("{source}{}", hint(&source)),
            source: Some(source),
        }
    }
}

/// What to do about an error of the system, where that is plain: to be put behind what it says.
pub(crate) fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => " (run as root?)",
        io::ErrorKind::ReadOnlyFilesystem => {
            " (the file system is mounted read-only: `mount -o remount,rw` it, or find out why in `dmesg`)"
        }
        io::ErrorKind::StorageFull => " (no space left: free some; `df -h` tells where)",
        io::ErrorKind::QuotaExceeded => " (quota exceeded)",
        io::ErrorKind::IsADirectory => " (a directory is where a file should be: move it away)",
        io::ErrorKind::NotADirectory => " (a file is where a directory should be: move it away)",
        _ => "",
    }
}
