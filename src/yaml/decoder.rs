//! serde's side of decoding: how each kind of value is asked for, and where it stands.

mod path;

use std::cell::RefCell;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::finding::{DecodeError, Finding, FindingKind};
use super::node::{Key, Node, NodeKind};
pub(super) use path::Path;

/// To how many unknown fields of a document a name is suggested: looking for it takes time, and nobody reads more.
const MAX_SUGGESTIONS: usize = 100;

/// A value that is to be decoded.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'de, 'p> {
    pub(super) node: &'de Node,
    pub(super) path: &'p Path<'p>,
    pub(super) findings: &'p RefCell<Vec<Finding>>,
}

impl<'de> Decoder<'de, '_> {
    /// Gives an error that has none the path and position of this value, and a hint where YAML 1.1 surprises.
    fn locate(&self, mut error: DecodeError) -> DecodeError {
        if !error.located {
            error.path = self.path.to_string();
            error.steps = self.path.steps();
            error.position = self.node.position;
            error.located = true;
            if let Some(problem) = self.hint(&error.problem) {
                error.problem = problem;
            }
            if self.path.is_secret() {
                error.problem = "is of the wrong type (its value is not repeated here, since it is a secret): text belongs here, in quotes, or for `bootstrapTokens` a list such as `[{token: \"…\"}]`".into();
            }
        }
        error
    }

    /// What serde says about a wrong type, in the words of those who write YAML.
    fn hint(&self, problem: &str) -> Option<String> {
        let found = self.node.describe();
        if problem.contains("expected a string") {
            let written = match &self.node.kind {
                NodeKind::Bool(_, text) => Some(text.as_str()),
                NodeKind::Seq(_) | NodeKind::Map(_) => {
                    return Some(format!("{found} where a string is wanted"));
                }
                _ => self.node.written.as_deref(),
            };
            return written.map(|written| {
                format!(
                    "{found} where a string is wanted: put it in quotes (\"{written}\"), since YAML 1.1 reads it otherwise"
                )
            });
        }
        let wrong_type = problem.starts_with("invalid type");
        if wrong_type && problem.contains("expected a sequence") {
            let v1beta3 = matches!(self.path, Path::Field(_, "extraArgs" | "kubeletExtraArgs"));
            return Some(match &self.node.kind {
                NodeKind::Map(entries) if v1beta3 => {
                    let name = entries.first().map_or("NAME", |(key, _)| key.name.as_str());
                    format!(
                        "a mapping where a list is wanted: v1beta3 had a mapping here, v1beta4 has a list, `- {{name: {name}, value: \"…\"}}`; `kubestrap config migrate` converts the file"
                    )
                }
                NodeKind::Map(_) => format!("{found} where a list is wanted: begin its items with `- `"),
                _ => format!(
                    "{found} where a list is wanted: write `[…]`, or each item on a line of its own after `- `"
                ),
            });
        }
        if wrong_type && problem.contains("expected a map") {
            let v1beta4 = matches!(self.path, Path::Field(_, "extraArgs" | "kubeletExtraArgs"));
            return Some(match &self.node.kind {
                NodeKind::Seq(_) if v1beta4 => {
                    "a list where a mapping is wanted: v1beta4 has a list here, v1beta3 a mapping, `name: \"value\"`: set `apiVersion: kubeadm.k8s.io/v1beta4`, or write a mapping".to_owned()
                }
                _ => format!("{found} where a mapping is wanted"),
            });
        }
        let (_, wanted) = problem.split_once(", expected ").filter(|_| wrong_type)?;
        let wanted = match wanted {
            "a boolean" => "`true` or `false`",
            "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => "a whole number",
            "f32" | "f64" => "a number",
            other => other,
        };
        Some(format!("{found} where {wanted} is wanted"))
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
