//! What is wrong with a configuration, said so that its writer can find it: file, line, column, field.

use std::fmt;

use crate::yaml::{Node, Position};

/// A configuration that can't be used: every problem found, in one go.
#[derive(Debug)]
pub(crate) struct ConfigError {
    /// The problems, in the order of the file.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// One thing that is wrong, or odd, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `config.yaml:12:3`, or the flag's name; empty where it stems from a default.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// The rule that it breaks, for machines: `type`, `unknown-field`, `kubeadm`.
    pub rule: &'static str,
}

impl Problem {
    /// A problem at `place` that breaks `rule`.
    pub(crate) fn new(rule: &'static str, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), rule }
    }

    /// The line and column of a place such as `config.yaml:12:3`.
    pub(crate) fn line_and_column(&self) -> Option<(usize, usize)> {
        let mut parts = self.place.rsplit(':');
        let (column, line) = (parts.next()?, parts.next()?);
        Some((line.parse().ok()?, column.parse().ok()?))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.place, self.message)
        }
    }
}

/// Finds the place of a field: in the file it was read from, or the flag that set it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locator {
    /// The file's name as the user gave it; empty if there is none.
    pub file: String,
    /// The documents read, by kind.
    pub documents: Vec<(String, Node)>,
    /// Flags given, by the field that they set; an argument is written in brackets, as in a line of usage.
    pub flags: Vec<(&'static str, &'static str)>,
}

impl Locator {
    /// Whether the file has a document of `kind`.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.documents.iter().any(|(k, _)| k == kind)
    }

    /// The place of `path` (dotted) in the document of `kind`.
    pub(crate) fn place(&self, kind: &str, path: &str) -> String {
        let sets = |field: &str| {
            path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some((_, flag)) = self.flags.iter().find(|(field, _)| sets(field)) {
            return if flag.starts_with('[') { (*flag).to_owned() } else { format!("--{flag}") };
        }
        match self.documents.iter().find(|(k, _)| k == kind) {
            Some((_, root)) => self.at(root.nearest(path).position),
            None => self.file.clone(),
        }
    }

    /// A place in the file.
    pub(crate) fn at(&self, position: Position) -> String {
        format!("{}:{position}", self.file)
    }

    /// A problem with the field `path` of the document of `kind`.
    pub(crate) fn problem(&self, kind: &str, path: &str, message: impl fmt::Display) -> Problem {
        Problem::new("kubeadm", self.place(kind, path), format!("{path}: {message}"))
    }
}
