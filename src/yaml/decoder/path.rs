//! Where a value stands in its document.

use std::fmt;

use super::super::finding::Step;

/// Where a value stands.
pub(in crate::yaml) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

/// Fields of kubeadm's API whose values are secrets, or where one lands that was put a level too high.
const SECRETS: [&str; 3] = ["token", "certificateKey", "bootstrapTokens"];

impl Path<'_> {
    /// The steps from the document to here.
    pub(super) fn steps(&self) -> Vec<Step> {
        let (parent, step) = match self {
            Path::Root => return vec![],
            Path::Field(parent, name) => (parent, Step::Field((*name).to_owned())),
            Path::Item(parent, index) => (parent, Step::Item(*index)),
        };
        let mut steps = parent.steps();
        steps.push(step);
        steps
    }

    /// Whether the value here, or in the list that it is an item of, may be a secret.
    pub(super) fn is_secret(&self) -> bool {
        match self {
            Path::Root => false,
            Path::Field(_, name) => SECRETS.contains(name),
            Path::Item(parent, _) => parent.is_secret(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parent, step) = match self {
            Path::Root => return Ok(()),
            Path::Field(parent, name) => (parent, (*name).to_owned()),
            Path::Item(parent, index) => (parent, index.to_string()),
        };
        match parent {
            Path::Root => f.write_str(&step),
            _ => write!(f, "{parent}.{step}"),
        }
    }
}
