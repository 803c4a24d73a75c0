//! From a [`Node`] to a typed value, with the path and position of everything that does not fit.
//!
//! It follows Kubernetes' JSON decoder: a `null` leaves a field at its zero value; unknown fields are findings,
//! not errors; a value of the wrong type is an error.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::node::{Key, Node, NodeKind, Position};

/// A typed value and what was odd about its source.
#[derive(Debug)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// Unknown fields, in the order of the file.
    pub findings: Vec<Finding>,
}

/// To how many unknown fields of a document a name is suggested: looking for it takes time, and nobody reads more.
const MAX_SUGGESTIONS: usize = 100;

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
    located: bool,
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

enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

/// Fields of kubeadm's API whose values are secrets, or where one lands that was put a level too high.
const SECRETS: [&str; 3] = ["token", "certificateKey", "bootstrapTokens"];

impl Path<'_> {
    /// Whether the value here, or in the list that it is an item of, may be a secret.
    fn is_secret(&self) -> bool {
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

#[derive(Clone, Copy)]
struct Decoder<'de, 'p> {
    node: &'de Node,
    path: &'p Path<'p>,
    findings: &'p RefCell<Vec<Finding>>,
}

impl<'de> Decoder<'de, '_> {
    /// Gives an error that has none the path and position of this value, and a hint where YAML 1.1 surprises.
    fn locate(&self, mut error: DecodeError) -> DecodeError {
        if !error.located {
            error.path = self.path.to_string();
            error.position = self.node.position;
            error.located = true;
            if error.problem.contains("expected a string") {
                let written = match &self.node.kind {
                    NodeKind::Bool(_, text) => Some(text.clone()),
                    NodeKind::Int(i) => Some(i.to_string()),
                    NodeKind::Uint(i) => Some(i.to_string()),
                    NodeKind::Float(x) => Some(x.to_string()),
                    _ => None,
                };
                if let Some(written) = written {
                    error.problem = format!(
                        "{} where a string is wanted: put it in quotes (\"{written}\"), since YAML 1.1 reads it otherwise",
                        self.node.describe()
                    );
                }
            }
            if self.path.is_secret() {
                error.problem = "is of the wrong type (its value is not repeated here, since it is a secret): text belongs here, in quotes, or for `bootstrapTokens` a list such as `[{token: \"…\"}]`".into();
            }
        }
        error
    }

    fn any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.kind {
            NodeKind::Null => visitor.visit_unit(),
            NodeKind::Bool(b, _) => visitor.visit_bool(*b),
            NodeKind::Int(i) => visitor.visit_i64(*i),
            NodeKind::Uint(u) => visitor.visit_u64(*u),
            NodeKind::Float(x) => visitor.visit_f64(*x),
            NodeKind::String(s) => visitor.visit_borrowed_str(s),
            NodeKind::Seq(items) => visitor.visit_seq(Items { decoder: self, items: items.iter(), index: 0 }),
            NodeKind::Map(entries) => self.map(entries, None, visitor),
        }
    }

    fn map<V: Visitor<'de>>(
        self,
        entries: &'de [(Key, Node)],
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Fields { decoder: self, entries: entries.iter(), known, value: None })
    }

    fn null(&self) -> bool {
        self.node.kind == NodeKind::Null
    }
}

/// A typed request: a null becomes the type's zero value, everything else goes by what it is.
macro_rules! or_zero {
    ($($method:ident => $visit:ident($zero:expr)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            if self.null() { visitor.$visit($zero) } else { self.any(visitor) }.map_err(|e| self.locate(e))
        }
    )*};
}

/// As [`or_zero`]; a floating-point number that is whole will do.
macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            match self.node.kind.whole() {
                Some(whole) => visitor.visit_i64(whole),
                None if self.null() => visitor.visit_i64(0),
                None => self.any(visitor),
            }
            .map_err(|e| self.locate(e))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Decoder<'de, '_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.any(visitor).map_err(|e| self.locate(e))
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    or_zero! {
        deserialize_bool => visit_bool(false),
        deserialize_f32 => visit_f64(0.0), deserialize_f64 => visit_f64(0.0),
        deserialize_str => visit_str(""), deserialize_string => visit_str(""),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.null() { visitor.visit_none() } else { visitor.visit_some(self) }.map_err(|e| self.locate(e))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.null() {
            visitor.visit_seq(Items { decoder: self, items: [].iter(), index: 0 })
        } else {
            self.any(visitor)
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.null() { self.map(&[], None, visitor) } else { self.any(visitor) }.map_err(|e| self.locate(e))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match &self.node.kind {
            NodeKind::Null => self.map(&[], Some(fields), visitor),
            NodeKind::Map(entries) => self.map(entries, Some(fields), visitor),
            _ => {
                let problem = format!("{} where a mapping is wanted", self.node.describe());
                Err(<DecodeError as de::Error>::custom(problem))
            }
        }
        .map_err(|e| self.locate(e))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self).map_err(|e| self.locate(e))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match &self.node.kind {
            NodeKind::String(s) => visitor.visit_enum(s.as_str().into_deserializer()),
            _ => Err(de::Error::custom(format!("{} where a string is wanted", self.node.describe()))),
        }
        .map_err(|e| self.locate(e))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de, 'p> {
    decoder: Decoder<'de, 'p>,
    items: std::slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de, '_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let path = Path::Item(self.decoder.path, self.index);
        self.index += 1;
        seed.deserialize(Decoder { node, path: &path, findings: self.decoder.findings }).map(Some)
    }
}

struct Fields<'de, 'p> {
    decoder: Decoder<'de, 'p>,
    entries: std::slice::Iter<'de, (Key, Node)>,
    known: Option<&'static [&'static str]>,
    value: Option<&'de (Key, Node)>,
}

impl<'de> de::MapAccess<'de> for Fields<'de, '_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        for entry in self.entries.by_ref() {
            let (key, node) = entry;
            if let Some(known) = self.known {
                if !known.contains(&key.name.as_str()) {
                    let mut findings = self.decoder.findings.borrow_mut();
                    let suggestion =
                        (findings.len() < MAX_SUGGESTIONS).then(|| nearest(&key.name, known)).flatten();
                    // Where a secret belongs, a strange name may be one that was put in the wrong place.
                    let hidden = suggestion.is_none() && self.decoder.path.is_secret();
                    let name = if hidden { "(name withheld)" } else { key.name.as_str() };
                    findings.push(Finding {
                        path: Path::Field(self.decoder.path, name).to_string(),
                        position: key.position,
                        kind: FindingKind::UnknownField { suggestion },
                    });
                    continue;
                }
                if node.kind == NodeKind::Null {
                    continue;
                }
            }
            self.value = Some(entry);
            return seed.deserialize(key.name.as_str().into_deserializer()).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let (key, node) =
            self.value.take().ok_or_else(|| <DecodeError as de::Error>::custom("a value without a key"))?;
        let path = Path::Field(self.decoder.path, &key.name);
        seed.deserialize(Decoder { node, path: &path, findings: self.decoder.findings })
    }
}

/// The known name that `name` was probably meant to be.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // Longer than any field's name and a half: not a typing mistake, and slow to compare.
    if name.len() > 100 {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), *k))
        .filter(|(distance, k)| *distance <= k.len().max(name.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
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
