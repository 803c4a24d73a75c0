//! From a [`Node`] to a typed value, with the path and position of everything that does not fit.
//!
//! It follows Kubernetes' JSON decoder: a `null` leaves a field at its zero value; unknown fields are findings,
//! not errors; a value of the wrong type is an error. All errors of a document are found in one go.

use std::cell::RefCell;

use serde::de;

use super::decoder::{Decoder, Path};
use super::finding::{DecodeError, Finding, Step};
use super::node::{Node, NodeKind};

/// A typed value and what was odd about its source.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    /// The value.
    pub value: T,
    /// Unknown fields, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Decodes `node` as a `T`.
///
/// # Errors
/// On the first value whose type does not fit.
pub(crate) fn decode<'de, T: de::Deserialize<'de>>(node: &'de Node) -> Result<Decoded<T>, DecodeError> {
    let findings = RefCell::new(vec![]);
    let value = T::deserialize(Decoder { node, path: &Path::Root, findings: &findings })?;
    Ok(Decoded { value, findings: findings.into_inner() })
}

/// More wrong values than these are not looked for: each means another pass.
const MAX_ERRORS: usize = 100;

/// All that is wrong with a document's types.
#[derive(Debug)]
pub(crate) struct Undecoded<T> {
    /// The values whose types do not fit, in the order of the file.
    pub errors: Vec<DecodeError>,
    /// Unknown fields, in the order of the file.
    pub findings: Vec<Finding>,
    /// The document with those values left out, where it can do without them.
    pub rest: Option<T>,
}

/// Decodes `node` as a `T`, and goes on past values whose types do not fit.
///
/// # Errors
/// With every value whose type does not fit.
pub(crate) fn decode_all<T: de::DeserializeOwned>(node: &Node) -> Result<Decoded<T>, Box<Undecoded<T>>> {
    let first = match decode::<T>(node) {
        Ok(decoded) => return Ok(decoded),
        Err(error) => error,
    };
    // serde stops at the first error. So the wrong value is taken out, and the document is decoded again.
    let mut root = node.clone();
    let mut errors: Vec<DecodeError> = vec![];
    let mut next = Some(first);
    let (mut findings, mut rest) = (vec![], None);
    while let Some(error) = next.take() {
        let mut steps = error.steps.clone();
        if errors.iter().any(|e| e.steps == steps) {
            // Not even a null fits here, so what holds it has to go.
            steps.pop();
        } else {
            errors.push(error);
        }
        if errors.len() >= MAX_ERRORS || !clear(&mut root, &steps) {
            break;
        }
        let found = RefCell::new(vec![]);
        match T::deserialize(Decoder { node: &root, path: &Path::Root, findings: &found }) {
            Ok(value) => rest = Some(value),
            Err(error) => next = Some(error),
        }
        findings = found.into_inner();
    }
    errors.sort_by_key(|e| e.position);
    Err(Box::new(Undecoded { errors, findings, rest }))
}

/// Makes a null of the value at `steps`; false where it is one already, or where there is none.
fn clear(root: &mut Node, steps: &[Step]) -> bool {
    let mut node = root;
    for step in steps {
        let next = match (step, &mut node.kind) {
            (Step::Field(name), NodeKind::Map(entries)) => {
                entries.iter_mut().find(|(key, _)| key.name == *name).map(|(_, value)| value)
            }
            (Step::Item(index), NodeKind::Seq(items)) => items.get_mut(*index),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return false,
        }
    }
    std::mem::replace(&mut node.kind, NodeKind::Null) != NodeKind::Null
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

    #[test]
    fn all_wrong_types_are_told_in_one_go() {
        let text = "podSubnet: 1.30\nport: x\nzzz: 1\nlist:\n- 3\n- port: y\n- map: {a: 0777, b: 12e5, c: ok}\nmap: [1]\n";
        let root = parse(text).unwrap().remove(0).root;
        let undecoded = decode_all::<Sample>(&root).unwrap_err();
        let told: Vec<String> =
            undecoded.errors.iter().map(|e| format!("{} {}", e.position, e.path)).collect();
        let want = [
            "1:12 podSubnet",
            "2:7 port",
            "5:3 list.0",
            "6:9 list.1.port",
            "7:12 list.2.map.a",
            "7:21 list.2.map.b",
            "8:6 map",
        ];
        assert_eq!(told, want);
        assert_eq!(undecoded.findings.len(), 1);
        let rest = undecoded.rest.unwrap();
        assert_eq!(rest.list.unwrap()[2].map["c"], "ok");
        for (error, written) in undecoded.errors.iter().zip(["1.30", "", "", "", "0777", "12e5"]) {
            assert!(error.problem.contains(written), "{error}");
        }
    }

    #[test]
    fn a_document_of_another_kind_is_one_error() {
        for text in ["[1, 2]", "text", "5"] {
            let root = parse(text).unwrap().remove(0).root;
            let undecoded = decode_all::<Sample>(&root).unwrap_err();
            assert_eq!(undecoded.errors.len(), 1, "{text}");
        }
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
            ("list:\n- map: {a: 0400}\n", "2:12 `list.0.map.a`: the number `0400` where a string is wanted"),
            ("port: 70000000000\n", "1:7 `port`: invalid value: integer `70000000000`, expected i32"),
            ("port: [1]\n", "1:7 `port`: a list where a whole number is wanted"),
            ("list: [3]\n", "1:8 `list.0`: the number `3` where a mapping is wanted"),
        ] {
            let error = read(text).unwrap_err();
            let told = format!("{} {error}", error.position);
            assert!(told.starts_with(want), "{told}");
        }
    }
}
