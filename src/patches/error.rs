//! What can go wrong with user patches.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::file_name::PatchKind;
use super::json::OperationError;
use super::strategic::StrategicError;

/// User patches that can't be read or applied. What is in a patch is not repeated in the message.
#[derive(Debug, Error)]
pub(crate) enum PatchError {
    /// The patches directory can't be looked at.
    #[error("the patches directory `{}` can't be read: {cause}", path.display())]
    ReadDirectory {
        /// The directory, or one inside it.
        path: PathBuf,
        /// The reason.
        cause: io::Error,
    },
    /// The path is not a directory. Like kubeadm, this refuses a symlink to one.
    #[error(
        "`{}` is not a directory{}", path.display(),
        if *is_symlink { ": it is a symbolic link, which is not followed" } else { "" }
    )]
    NotADirectory {
        /// The path given.
        path: PathBuf,
        /// Whether there is a symbolic link.
        is_symlink: bool,
    },
    /// A patch file can't be read.
    #[error("the patch file `{file}` can't be read: {cause}")]
    ReadFile {
        /// The path below the patches directory.
        file: String,
        /// The reason.
        cause: io::Error,
    },
    /// The `+` in a file name is not followed by a kind of patch.
    #[error("the name of the patch file `{file}` needs one of `json`, `merge`, `strategic` after the `+`")]
    UnknownKind {
        /// The path below the patches directory.
        file: String,
    },
    /// A patch file is not YAML or JSON.
    #[error("the patch file `{file}` is not valid YAML: {reason}")]
    Parse {
        /// The path below the patches directory.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// A document has the wrong shape for its kind of patch.
    #[error("{patch} must be {expected}, but is {found}")]
    WrongShape {
        /// The document.
        patch: Box<PatchName>,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A strategic merge patch comes after a patch that has replaced the whole object.
    #[error("{patch} can't be applied: an earlier patch has left no object to merge into")]
    NoObject {
        /// The document.
        patch: Box<PatchName>,
    },
    /// A JSON patch fails.
    #[error("{patch} can't be applied: {cause}")]
    Operation {
        /// The document.
        patch: Box<PatchName>,
        /// The operation that failed, and why.
        cause: OperationError,
    },
    /// A strategic merge patch fails.
    #[error("{patch} can't be applied: {cause}")]
    Strategic {
        /// The document.
        patch: Box<PatchName>,
        /// Where it failed, and why.
        cause: StrategicError,
    },
    /// The caller asks for a target that can't be patched.
    #[error("`{target}` is not a patch target")]
    UnknownTarget {
        /// The target asked for.
        target: String,
    },
}

/// Which patch an error is about.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the {kind} patch for `{target}` in `{file}` (document {document})")]
pub(crate) struct PatchName {
    /// The path of the file below the patches directory.
    pub file: String,
    /// Which YAML document of the file: 1 for the first.
    pub document: usize,
    /// What is patched.
    pub target: String,
    /// How.
    pub kind: PatchKind,
}
