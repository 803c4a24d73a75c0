//! Why there is no snapshot, or not a good one.

use std::io;
use std::path::{Path, PathBuf};

use super::facts_path;
use crate::etcd::EtcdError;
use crate::host::{FileError, hint};

/// Why there is no snapshot, or not a good one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    /// etcd does not give one.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// The file can't be read or written.
    #[error("can't {action} {}: {source}{}", path.display(), hint(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The facts beside it can't be written.
    #[error(transparent)]
    Facts(#[from] FileError),
    /// It has the name of a file that exists.
    #[error("{} exists already, and a snapshot never overwrites a file\n  fix: name another file, or remove that one", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The stream broke off, or the file is cut off.
    #[error(
        "the snapshot {} is cut off: after {size} bytes there is no SHA-256 of them\n  fix: use another snapshot (`kubestrap etcd snapshot list`); a copy of etcd's file member/snap/db has no hash: restore it with --skip-hash-check", path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// How long it is.
        size: u64,
    },
    /// Its content is not what etcd sent.
    #[error(
        "the snapshot {} is damaged: its SHA-256 is {actual}, etcd's is {expected}\n  fix: use another snapshot (`kubestrap etcd snapshot list`)", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The hash of its content.
        actual: String,
        /// The hash at its end.
        expected: String,
    },
    /// It is not what was written down beside it.
    #[error(
        "the snapshot {} is not the one that the file beside it describes: {what} is {actual}, not {expected}\n  fix: use another snapshot (`kubestrap etcd snapshot list`), or move {} away if you trust this one", path.display(), facts_path(path).display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What it is.
        actual: String,
        /// What is written down.
        expected: String,
    },
    /// It holds something else.
    #[error(
        "{} is not a database of etcd: {reason}\n  fix: use a snapshot of etcd (`kubestrap etcd snapshot list`)", path.display()
    )]
    NotDatabase {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl SnapshotError {
    pub(in crate::etcd::snapshot) fn file(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
