//! Why there is no backup, or none that can be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::host::hint;

/// Why there is no backup, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// A file can't be read or written.
    #[error("can't {action} {}: {source}{}", path.display(), hint(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A recipient or an identity is none.
    #[error("{0}")]
    Key(String),
    /// It would have the name of a file that exists.
    #[error("{} exists already, and a backup never overwrites a file\n  fix: name another file, or remove that one", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error(
        "{} is not an archive of `kubestrap backup`: {reason}\n  fix: name the file that `kubestrap backup` wrote (its name ends with .tar.gz.age)", path.display()
    )]
    NotArchive {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The key does not open it.
    #[error("{} can't be decrypted: {reason}\n  fix: {fix}", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// Its content is not what was written.
    #[error(
        "{} is damaged: {reason}\n  fix: use another copy of it; nothing in this one can be trusted", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A newer version wrote it.
    #[error(
        "{} has the format {format}, and this kubestrap reads {known}\n  cause: a newer kubestrap wrote it\n  fix: use that version", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The newest that is known.
        known: u32,
    },
}

impl BackupError {
    /// A file that can't be read or written.
    pub(super) fn file(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path: path.clone(), source }
    }

    /// What reading an archive ran into.
    pub(super) fn of_content(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
            _ => format!("part of it was changed, or it is cut off ({error})"),
        };
        Self::Damaged { path, reason }
    }
}
