//! The patches of a user, and applying them.

use serde_json::{Map, Value};

use super::error::{PatchError, PatchName};
use super::file_name::{IgnoreReason, PatchKind};
use super::target::schema_of;
use super::{json, strategic};

/// All the patches found, in the order in which they apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PatchSet {
    /// The patches of all targets.
    pub patches: Vec<Patch>,
    /// The files that are no patches.
    pub ignored: Vec<Ignored>,
}

/// One document of a patch file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Patch {
    /// What it patches.
    pub target: String,
    /// How it is applied.
    pub kind: PatchKind,
    /// The path of its file below the patches directory.
    pub file: String,
    /// Which YAML document of the file it is: 1 for the first.
    pub document: usize,
    /// Its content.
    pub value: Value,
}

/// A file that is no patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ignored {
    /// Its path below the patches directory.
    pub file: String,
    /// Why it is ignored.
    pub reason: IgnoreReason,
}

/// A patch that has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// The path of its file below the patches directory.
    pub file: String,
    /// How it was applied.
    pub kind: PatchKind,
}

impl PatchSet {
    /// Applies the patches for `target` to `object`, and tells which these were.
    ///
    /// The result is untyped: see [`super::decode()`] for Pods, Deployments and DaemonSets.
    ///
    /// # Errors
    /// [`PatchError`] with the file and document of the first patch that fails.
    pub(crate) fn apply(&self, target: &str, object: Value) -> Result<(Value, Vec<Applied>), PatchError> {
        let patches = self.patches.iter().filter(|patch| patch.target == target);
        patches.into_iter().try_fold((object, Vec::new()), |(object, mut applied), patch| {
            let object = patch.apply(object)?;
            applied.push(Applied { file: patch.file.clone(), kind: patch.kind });
            Ok((object, applied))
        })
    }
}

impl Patch {
    fn apply(&self, mut object: Value) -> Result<Value, PatchError> {
        let schema = schema_of(&self.target)
            .ok_or_else(|| PatchError::UnknownTarget { target: self.target.clone() })?;
        match self.kind {
            PatchKind::Json => {
                let Value::Array(operations) = &self.value else {
                    return Err(self.wrong_shape("a list of operations"));
                };
                json::apply(object, operations)
                    .map_err(|cause| PatchError::Operation { patch: self.name(), cause })
            }
            PatchKind::Merge => {
                json_patch::merge(&mut object, &self.fields()?.clone().into());
                Ok(object)
            }
            PatchKind::Strategic => {
                let Value::Object(original) = object else {
                    return Err(PatchError::NoObject { patch: self.name() });
                };
                let merged = strategic::merge(schema, original, self.fields()?.clone());
                merged.map(Value::from).map_err(|cause| PatchError::Strategic { patch: self.name(), cause })
            }
        }
    }

    fn fields(&self) -> Result<&Map<String, Value>, PatchError> {
        self.value.as_object().ok_or_else(|| self.wrong_shape("an object"))
    }

    fn wrong_shape(&self, expected: &'static str) -> PatchError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        PatchError::WrongShape { patch: self.name(), expected, found }
    }

    fn name(&self) -> Box<PatchName> {
        Box::new(PatchName {
            file: self.file.clone(),
            document: self.document,
            target: self.target.clone(),
            kind: self.kind,
        })
    }
}

#[cfg(test)]
mod tests;
