//! From a [`Node`] to a typed value, with the path and position of everything that does not fit.
//!
//! It follows Kubernetes' JSON decoder: a `null` leaves a field at its zero value; unknown fields are findings,
//! not errors; a value of the wrong type is an error.

use std::cell::RefCell;
use std::fmt;

use serde::de;

use super::decoder::{Decoder, Path};
use super::node::{Node, Position};

/// A typed value and what was odd about its source.
#[derive(Debug)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// Unknown fields, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Something in the source that the value does not reflect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Dotted path of the field.
    pub path: String,
    /// Where its key stands.
    pub position: Position,
    /// What is odd.
    pub kind: FindingKind,
}

/// What can be odd about a source that still decodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// The type has no such field; the known name that comes nearest, if one comes near.
    UnknownField {
        /// The nearest known name.
        suggestion: Option<&'static str>,
    },
    /// The key stands twice in its mapping.
    DuplicateField,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FindingKind::UnknownField { suggestion: Some(name) } => {
                write!(f, "unknown field `{}`: did you mean `{name}`?", self.path)
            }
            FindingKind::UnknownField { suggestion: None } => write!(f, "unknown field `{}`", self.path),
            FindingKind::DuplicateField => {
                write!(f, "field `{}` is given twice: the last one counts", self.path)
            }
        }
    }
}

/// A value that does not fit its type.
#[derive(Debug, thiserror::Error)]
pub struct DecodeError {
    /// Dotted path of the value; empty for the document itself.
    pub path: String,
    /// Where the value stands.
    pub position: Position,
    /// What was wrong and what would be right.
    pub problem: String,
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
            located: false,
        }
    }
}

/// Decodes `node` as a `T`.
///
/// # Errors
/// On the first value whose type does not fit.
pub fn decode<'de, T: de::Deserialize<'de>>(node: &'de Node) -> Result<Decoded<T>, DecodeError> {
    let findings = RefCell::new(vec![]);
    let value = T::deserialize(Decoder { node, path: &Path::Root, findings: &findings })?;
    Ok(Decoded { value, findings: findings.into_inner() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, rename_all = "camelCase")]
    struct Sample {
        pod_subnet: String,
        port: i32,
        list: Option<Vec<Sample>>,
        map: BTreeMap<String, String>,
    }

    fn read(text: &str) -> Result<Decoded<Sample>, DecodeError> {
        decode(parse(text).unwrap().remove(0).root.into_static())
    }

    trait IntoStatic {
        fn into_static(self) -> &'static Node;
    }
    impl IntoStatic for Node {
        fn into_static(self) -> &'static Node {
            Box::leak(Box::new(self))
        }
    }

    #[test]
    fn unknown_fields_are_told_with_a_suggestion() {
        let decoded = read("podSubnt: x\nlist:\n- port: 1\n  zzz: 2\n").unwrap();
        let told: Vec<String> = decoded.findings.iter().map(|f| format!("{} {f}", f.position)).collect();
        assert_eq!(
            told,
            ["1:1 unknown field `podSubnt`: did you mean `podSubnet`?", "4:3 unknown field `list.0.zzz`"]
        );
    }

    #[test]
    fn nulls_leave_fields_at_their_zero_values() {
        let decoded = read("podSubnet: null\nport: ~\nlist:\nmap: {a: }\n").unwrap();
        let want = Sample { map: BTreeMap::from([("a".into(), String::new())]), ..Sample::default() };
        assert_eq!(decoded.value, want);
        assert_eq!(read("list: []\n").unwrap().value.list, Some(vec![]));
    }

    #[test]
    fn whole_numbers_are_integers_however_written() {
        for (text, port) in [("2.0", 2), ("1e3", 1000), ("-1.", -1)] {
            assert_eq!(read(&format!("port: {text}\n")).unwrap().value.port, port, "{text}");
        }
        assert!(read("port: 1.5\n").is_err() && read("port: 1e300\n").is_err());
    }

    #[test]
    fn wrong_types_are_told_with_path_and_position() {
        for (text, want) in [
            (
                "podSubnet: y\n",
                "1:12 `podSubnet`: the boolean `y` where a string is wanted: put it in quotes (\"y\")",
            ),
            ("list:\n- map: {a: 0400}\n", "2:12 `list.0.map.a`: the number `256` where a string is wanted"),
            ("port: 70000000000\n", "1:7 `port`: invalid value: integer `70000000000`, expected i32"),
            ("port: [1]\n", "1:7 `port`: invalid type: sequence, expected i32"),
            ("list: [3]\n", "1:8 `list.0`: the number `3` where a mapping is wanted"),
        ] {
            let error = read(text).unwrap_err();
            let told = format!("{} {error}", error.position);
            assert!(told.starts_with(want), "{told}");
        }
    }
}
