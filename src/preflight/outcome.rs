//! What comes of a check: findings, and what it could not measure.

use std::io;

use crate::finding::Finding;

/// Something that could not be measured, so that nothing is known of it: the check is broken, not the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unmeasured {
    /// What could not be measured: a file, a command.
    pub(super) what: String,
    /// Why.
    pub(super) why: String,
    /// Root could measure it.
    pub(super) needs_root: bool,
}

impl Unmeasured {
    /// For any reason but missing permissions.
    pub(super) fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self { what: what.into(), why: why.to_string(), needs_root: false }
    }

    /// A file or directory that could not be read.
    pub(super) fn io(path: impl AsRef<std::path::Path>, error: &io::Error) -> Self {
        let needs_root = error.kind() == io::ErrorKind::PermissionDenied;
        Self { what: path.as_ref().display().to_string(), why: error.to_string(), needs_root }
    }
}

/// What comes of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What it found.
    pub(super) findings: Vec<Finding>,
    /// What it could not measure.
    pub(super) unmeasured: Vec<Unmeasured>,
}

impl From<Vec<Finding>> for Outcome {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, unmeasured: vec![] }
    }
}

impl From<Result<Vec<Finding>, Unmeasured>> for Outcome {
    fn from(result: Result<Vec<Finding>, Unmeasured>) -> Self {
        match result {
            Ok(findings) => findings.into(),
            Err(unmeasured) => Self { findings: vec![], unmeasured: vec![unmeasured] },
        }
    }
}

/// What a check says that it could not judge.
impl From<(Vec<Finding>, Vec<Unmeasured>)> for Outcome {
    fn from((findings, unmeasured): (Vec<Finding>, Vec<Unmeasured>)) -> Self {
        Self { findings, unmeasured }
    }
}
