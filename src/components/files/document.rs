//! From a file's text to its typed document, as Kubernetes' strict decoders read it.
//!
//! Source: `apimachinery/pkg/runtime/serializer`: a text that begins with `{` is JSON and nothing else; of a YAML stream
//! the first document counts; unknown and repeated fields are errors.

use serde::de::DeserializeOwned;

use super::fault::Faults;
use crate::yaml::{self, Node, NodeKind, Position};

/// Which documents a file may hold.
pub(super) struct Format {
    /// `apiVersion`, `kind`, and the first minor that knows it where that is after 1.33.
    pub(super) kinds: &'static [(&'static str, &'static str, u64)],
    /// Unknown and repeated fields are told in a log only.
    pub(super) lenient: bool,
    /// Values that have the wrong type are not shown.
    pub(super) secret: bool,
    /// The decoder knows the kind beforehand: it may be left out.
    pub(super) knows_kind: bool,
    /// The decoder knows `apiVersion` too: both may be left out, and an empty file is all defaults.
    pub(super) knows_version: bool,
}

impl Format {
    /// A format of these kinds, read strictly.
    pub(super) const fn strict(kinds: &'static [(&'static str, &'static str, u64)]) -> Self {
        Self { kinds, lenient: false, secret: false, knows_kind: false, knows_version: false }
    }
}

/// Reads a text.
pub(super) fn read(text: &str, format: &Format, faults: &mut Faults) -> Option<Node> {
    if text.is_empty() && format.knows_version {
        return None;
    }
    if text.is_empty() {
        faults.refuse(None, "the file is empty");
        return None;
    }
    if text.trim_start().starts_with('{')
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text)
    {
        let position = Position { line: error.line(), column: error.column() };
        let why = "a file that begins with `{` is read as JSON, and this is not JSON: write YAML without the outer braces";
        faults.refuse(Some(position), why);
        return None;
    }
    match yaml::parse(text) {
        Ok(documents) => {
            let Some(document) = documents.into_iter().next() else {
                faults.refuse(None, format!("there is no document in it: {} is needed", wanted(format)));
                return None;
            };
            for key in &document.duplicates {
                let why = format!("`{}` is given twice in one mapping", key.name);
                if format.lenient {
                    faults.doubt(Some(key.position), why);
                } else {
                    faults.refuse(Some(key.position), why);
                }
            }
            Some(document.root)
        }
        Err(error) => {
            let why = if format.secret {
                "this is not valid YAML".to_owned()
            } else {
                format!("this is not valid YAML: {}", error.problem())
            };
            faults.refuse(Some(error.position()), why);
            None
        }
    }
}

/// Whether a document is of one of the kinds, so that it can be judged; what is wrong is told.
pub(super) fn is_of_kind(node: &Node, format: &Format, minor: u64, faults: &mut Faults) -> bool {
    if !matches!(node.kind, NodeKind::Map(_)) {
        faults.refuse(Some(node.position), format!("{} is needed here", wanted(format)));
        return false;
    }
    if format.knows_version && node.get("apiVersion").is_none() {
        return false;
    }
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let known = format
        .kinds
        .iter()
        .find(|(v, k, _)| *v == version && (*k == kind || (format.knows_kind && node.get("kind").is_none())));
    let position = |key: &str| Some(node.get(key).map_or(node.position, |value| value.position));
    match known {
        Some((_, _, since)) if *since <= minor => return true,
        Some((_, _, since)) => {
            let why =
                format!("kube-apiserver 1.{minor} does not know {version} of {kind}: it came with 1.{since}");
            faults.refuse(position("apiVersion"), why);
        }
        None if version.is_empty() || kind.is_empty() => {
            let missing = if version.is_empty() { "apiVersion" } else { "kind" };
            faults.refuse(position(missing), format!("`{missing}` is missing: {} is needed", wanted(format)));
        }
        None => {
            let key = if format.kinds.iter().any(|(_, k, _)| *k == kind) { "apiVersion" } else { "kind" };
            let shown = if format.secret {
                String::new()
            } else {
                format!("{kind:?} of {version:?} is not known here: ")
            };
            faults.refuse(position(key), format!("{shown}{} is needed", wanted(format)));
        }
    }
    false
}

/// The newest kind of a format.
fn wanted(format: &Format) -> String {
    format
        .kinds
        .first()
        .map(|(version, kind, _)| format!("`kind: {kind}` with `apiVersion: {version}`"))
        .unwrap_or_default()
}

/// Decodes a document's value; none where values have wrong types, which are told.
pub(super) fn decode<T: DeserializeOwned>(node: &Node, format: &Format, faults: &mut Faults) -> Option<T> {
    let (value, errors, findings) = match yaml::decode_all::<T>(node) {
        Ok(decoded) => (Some(decoded.value), vec![], decoded.findings),
        Err(undecoded) => (None, undecoded.errors, undecoded.findings),
    };
    for error in errors {
        let problem = if format.secret { without_value(&error.problem) } else { error.problem.clone() };
        faults.refuse_at(&error.path, Some(error.position), problem);
    }
    for mut finding in findings {
        finding.path.insert_str(0, faults.base());
        if format.lenient {
            faults.doubt(Some(finding.position), format!("{finding}; it is ignored"));
        } else {
            faults.refuse(Some(finding.position), finding.to_string());
        }
    }
    value
}

/// A problem with a type, without the value that has it.
fn without_value(problem: &str) -> String {
    match problem.split_once(" where ").and_then(|(_, wanted)| wanted.split_once(" is wanted")) {
        Some((wanted, _)) => format!("{wanted} is wanted"),
        None => "this has the wrong type".to_owned(),
    }
}
