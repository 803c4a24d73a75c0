//! The tree that [`super::parse()`] makes of a document: JSON's kinds of values, each with where it stood.

use std::fmt;

/// Where something stands in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and where it began.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: NodeKind,
    /// Where it began.
    pub position: Position,
    /// A number as it was written: `0777`, `1.30`.
    pub written: Option<Box<str>>,
}

/// A value, after YAML 1.1's resolution of plain scalars.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Nothing, `~` or `null`.
    Null,
    /// A boolean; the text as written, since `y` and `on` surprise people.
    Bool(bool, String),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A string.
    String(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order written; of a key written twice the last one stands.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key and where it stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key, as a string (YAML's other scalars become what JSON would call them).
    pub name: String,
    /// Where it began.
    pub position: Position,
}

impl NodeKind {
    /// The integer that a floating-point number is when Kubernetes has made JSON of it: `2.0` and `1e3` fit where an
    /// integer is wanted.
    pub(super) fn whole(&self) -> Option<i64> {
        const EXACT: f64 = (1_i64 << f64::MANTISSA_DIGITS) as f64;
        match self {
            NodeKind::Float(x) if x.fract() == 0.0 && x.abs() < EXACT => Some(*x as i64),
            _ => None,
        }
    }
}

impl Node {
    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Map(entries) => entries.iter().find(|(k, _)| k.name == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The string this is, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String(s) => Some(s),
            _ => None,
        }
    }

    /// The node at a dotted path such as `bootstrapTokens.0.usages`, or the nearest ancestor that exists.
    pub fn nearest(&self, path: &str) -> &Node {
        let mut node = self;
        for step in path.split('.').filter(|s| !s.is_empty()) {
            let next = match &node.kind {
                NodeKind::Seq(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)),
                _ => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// What kind of thing this is, in a reader's words.
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_) if self.written.is_some() => {
                format!("the number `{}`", self.written.as_deref().unwrap_or_default())
            }
            NodeKind::Null => "nothing".into(),
            NodeKind::Bool(_, text) => format!("the boolean `{text}`"),
            NodeKind::Int(i) => format!("the number `{i}`"),
            NodeKind::Uint(i) => format!("the number `{i}`"),
            NodeKind::Float(x) => format!("the number `{x}`"),
            NodeKind::String(s) => {
                format!("the string \"{}\"", s.chars().take(60).collect::<String>().escape_debug())
            }
            NodeKind::Seq(_) => "a list".into(),
            NodeKind::Map(_) => "a mapping".into(),
        }
    }
}

impl From<&Node> for serde_json::Value {
    fn from(node: &Node) -> Self {
        match &node.kind {
            NodeKind::Null => Self::Null,
            NodeKind::Bool(b, _) => Self::Bool(*b),
            NodeKind::Int(i) => Self::from(*i),
            NodeKind::Uint(i) => Self::from(*i),
            // JSON has no infinities; Kubernetes refuses them too.
            NodeKind::Float(x) => match node.kind.whole() {
                Some(whole) => Self::from(whole),
                None => serde_json::Number::from_f64(*x).map_or(Self::Null, Self::Number),
            },
            NodeKind::String(s) => Self::String(s.clone()),
            NodeKind::Seq(items) => Self::Array(items.iter().map(Self::from).collect()),
            NodeKind::Map(entries) => {
                Self::Object(entries.iter().map(|(k, v)| (k.name.clone(), Self::from(v))).collect())
            }
        }
    }
}
