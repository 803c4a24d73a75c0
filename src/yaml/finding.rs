//! What does not fit when a value is decoded: findings, and errors.

use std::fmt;

use serde::de;

use super::node::Position;

/// Something in the source that the value does not reflect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Dotted path of the field.
    pub path: String,
    /// Where its key stands.
    pub position: Position,
    /// What is odd.
    pub kind: FindingKind,
}

/// What can be odd about a source that still decodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FindingKind {
    /// The type has no such field; the known name that comes nearest, if one comes near.
    UnknownField {
        /// The nearest known name.
        suggestion: Option<&'static str>,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FindingKind::UnknownField { suggestion: Some(name) } => {
                write!(f, "unknown field `{}`: did you mean `{name}`?", self.path)
            }
            FindingKind::UnknownField { suggestion: None } => write!(f, "unknown field `{}`", self.path),
        }
    }
}

/// How to get from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Item(usize),
}

/// A value that does not fit its type.
#[derive(Debug, thiserror::Error)]
pub(crate) struct DecodeError {
    /// Dotted path of the value; empty for the document itself.
    pub path: String,
    /// Where the value stands.
    pub position: Position,
    /// What was wrong and what would be right.
    pub problem: String,
    pub(super) steps: Vec<Step>,
    pub(super) located: bool,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "{}", self.problem)
        } else {
            write!(f, "`{}`: {}", self.path, self.problem)
        }
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            path: String::new(),
            position: Position::default(),
            problem: message.to_string(),
            steps: vec![],
            located: false,
        }
    }
}
