//! What is wrong with a file.

use crate::finding::Severity;
use crate::yaml::{Node, Position};

/// Something in a file that kube-apiserver refuses, or that does not do what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// An error where kube-apiserver ends at once, a warning where it goes on.
    pub(crate) severity: Severity,
    /// Where it stands, if at one place.
    pub(crate) position: Option<Position>,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

/// Collects the faults of one document.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) list: Vec<Fault>,
    /// Where the document lies in its file: `plugins.0.configuration.`, or nothing.
    base: String,
}

impl Faults {
    /// Paths are below this one from now on.
    pub(super) fn below(&mut self, base: String) {
        self.base = base;
    }

    /// What comes before each path.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// kube-apiserver refuses what stands here.
    pub(super) fn refuse(&mut self, position: Option<Position>, message: impl Into<String>) {
        self.list.push(Fault { severity: Severity::Error, position, message: message.into() });
    }

    /// kube-apiserver refuses the field at a path.
    pub(super) fn refuse_at(&mut self, path: &str, position: Option<Position>, why: impl AsRef<str>) {
        let message = format!("`{}{path}`: {}", self.base, why.as_ref());
        self.refuse(position, message);
    }

    /// It goes on, but this does not do what it says.
    pub(super) fn doubt(&mut self, position: Option<Position>, message: impl Into<String>) {
        self.list.push(Fault { severity: Severity::Warning, position, message: message.into() });
    }
}

/// A document whose fields are judged by their dotted paths.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) root: &'a Node,
    pub(super) faults: &'a mut Faults,
}

impl Fields<'_> {
    /// kube-apiserver refuses the field at a path, or wants one there.
    pub(super) fn refuse(&mut self, path: impl AsRef<str>, why: impl AsRef<str>) {
        let path = path.as_ref();
        let position = self.root.nearest(path).position;
        self.faults.refuse_at(path, Some(position), why);
    }

    /// The field at a path must be there.
    pub(super) fn require(&mut self, path: impl AsRef<str>) {
        self.refuse(path, "is needed");
    }

    /// It goes on, but the field at a path does not do what it says.
    pub(super) fn doubt(&mut self, path: impl AsRef<str>, why: impl AsRef<str>) {
        let path = path.as_ref();
        let position = self.root.nearest(path).position;
        let message = format!("`{}{path}`: {}", self.faults.base(), why.as_ref());
        self.faults.doubt(Some(position), message);
    }

    /// A value that must be one of several words.
    pub(super) fn one_of(&mut self, path: impl AsRef<str>, value: &str, words: &[&str]) {
        if value.is_empty() {
            self.require(path);
        } else if !words.contains(&value) {
            self.refuse(path, crate::components::rule::unknown_word(value, words));
        }
    }

    /// The items of a list that stand in it before: each is refused.
    pub(super) fn no_item_twice(&mut self, path: &str, items: &[String]) {
        for (i, item) in items.iter().enumerate() {
            if items.iter().take(i).any(|earlier| earlier == item) {
                self.refuse(format!("{path}.{i}"), format!("{item:?} is given twice"));
            }
        }
    }
}
