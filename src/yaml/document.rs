//! A document of YAML, and why a text is none.

use super::node::{Key, Node, Position};

/// One document of a file.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The document's value.
    pub root: Node,
    /// Keys that stand twice in one mapping: Kubernetes' strict reader objects, its lenient one takes the last.
    pub duplicates: Vec<Key>,
}

/// Why a text can't be read as YAML.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The text breaks YAML's syntax.
    #[error("{position}: {problem}")]
    Syntax {
        /// Where the reader gave up.
        position: Position,
        /// What it objects to.
        problem: String,
    },
    /// The text is larger, deeper or more self-referring than any real configuration.
    #[error("{position}: {problem}")]
    Limit {
        /// Where the limit was passed.
        position: Position,
        /// Which limit.
        problem: String,
    },
}

impl YamlError {
    /// Where the reader gave up.
    pub fn position(&self) -> Position {
        match self {
            Self::Syntax { position, .. } | Self::Limit { position, .. } => *position,
        }
    }

    /// What it objects to.
    pub fn problem(&self) -> &str {
        match self {
            Self::Syntax { problem, .. } | Self::Limit { problem, .. } => problem,
        }
    }
}
