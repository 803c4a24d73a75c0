//! A value that does not fit its field.

use thiserror::Error;

use super::path::FieldPath;

/// A field of a patched object that can't hold what it was given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{path}`: {reason}")]
pub(crate) struct TypeError {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with its value.
    pub reason: String,
}
