//! From text to [`Node`]s: documents, anchors, merge keys, positions, and limits that hold on hostile input.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::lenient::{TAB_AFTER_COLON, explain, parse_json, position_of, printable, without_tabs};
use super::node::{Key, Node, NodeKind, Position};
use super::scalar::resolve_plain;

/// What is read at the most; a kubeadm configuration is a few kilobytes.
const MAX_BYTES: usize = 4 << 20;
/// How deep values may nest.
const MAX_DEPTH: usize = 100;
/// How many values a file may hold once its aliases are followed (YAML's "billion laughs").
const MAX_NODES: usize = 500_000;
/// A text counts as one value more for as many bytes: aliases copy it.
const BYTES_PER_NODE: usize = 64;

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

/// Reads a stream of YAML (or JSON, which YAML 1.1 nearly includes) documents; an empty or comment-only one is a
/// null.
///
/// # Errors
/// When the text is not YAML, or passes a limit that no real configuration comes near.
pub(crate) fn parse(text: &str) -> Result<Vec<Document>, YamlError> {
    if text.len() > MAX_BYTES {
        let problem = format!("{} bytes of YAML: at most {MAX_BYTES} are read", text.len());
        return Err(YamlError::Limit { position: Position { line: 1, column: 1 }, problem });
    }
    if let Some((index, c)) = text.char_indices().find(|(_, c)| !printable(*c)) {
        let position = position_of(text, index);
        return Err(YamlError::Syntax { position, problem: format!("the control character {c:?}") });
    }
    // Tabs are JSON's white space but not YAML's: JSON is tried as itself where YAML fails on it.
    match parse_yaml(text) {
        Err(YamlError::Syntax { position, problem }) if problem.contains(TAB_AFTER_COLON) => {
            without_tabs(text, position)
        }
        Err(error) if text.trim_start().starts_with('{') => parse_json(text).ok_or(error),
        Err(YamlError::Syntax { position, problem }) => Err(explain(text, position, problem)),
        other => other,
    }
}

/// [`parse`], without positions: each document as a JSON value.
///
/// # Errors
/// As [`parse`].
pub fn parse_values(text: &str) -> Result<Vec<serde_json::Value>, YamlError> {
    Ok(parse(text)?.iter().map(|d| (&d.root).into()).collect())
}

pub(super) fn parse_yaml(text: &str) -> Result<Vec<Document>, YamlError> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)),
        anchors: HashMap::new(),
        duplicates: vec![],
        nodes: 0,
    };
    let mut documents = vec![];
    loop {
        match builder.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(_), _) => {
                let (event, span) = builder.next()?;
                let root = builder.node(event, span, 0)?;
                let duplicates = std::mem::take(&mut builder.duplicates);
                builder.anchors.clear();
                documents.push(Document { root, duplicates });
            }
            _ => {}
        }
    }
}

struct Builder<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Node, usize)>,
    duplicates: Vec<Key>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next_event() {
            Some(event) => Ok(event.map_err(|e| syntax(&e))?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, YamlError> {
        let position = position(&span);
        self.count(1, position)?;
        if depth > MAX_DEPTH {
            return Err(YamlError::Limit {
                position,
                problem: format!("values nest deeper than {MAX_DEPTH} levels"),
            });
        }
        let before = self.nodes;
        let mut written = None;
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(text.len() / BYTES_PER_NODE, position)?;
                let tag = tag.map(|t| format!("{}{}", t.handle, t.suffix));
                let kind = scalar(&text, style, tag.as_deref())
                    .map_err(|problem| YamlError::Syntax { position, problem })?;
                if matches!(kind, NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_)) {
                    written = Some(Box::from(&*text));
                }
                (kind, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = vec![];
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (NodeKind::Seq(items), anchor)
            }
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            Event::Alias(id) => {
                let (node, size) = self.anchors.get(&id).cloned().ok_or_else(|| YamlError::Syntax {
                    position,
                    problem: "an alias inside the value that it names".into(),
                })?;
                self.count(size, position)?;
                return Ok(node);
            }
            other => {
                return Err(YamlError::Syntax { position, problem: format!("unexpected {other:?}") });
            }
        };
        let node = Node { kind, position, written };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before + 1));
        }
        Ok(node)
    }

    fn mapping(&mut self, depth: usize) -> Result<NodeKind, YamlError> {
        let mut entries: Vec<(Key, Node)> = vec![];
        let mut index: HashMap<String, usize> = HashMap::new();
        // Keys that a merge set: one that is written after it replaces it, and is no duplicate.
        let mut merged: HashSet<String> = HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let at = position(&span);
            let written = match &event {
                Event::Scalar(text, ..) => text.to_string(),
                _ => String::new(),
            };
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if plain && written == "<<" {
                for (key, value) in sources(value)? {
                    merged.insert(key.name.clone());
                    set(&mut entries, &mut index, key, value);
                }
                continue;
            }
            let key = Key { name: key_name(key, &written)?, position: at };
            if index.contains_key(&key.name) && !merged.remove(&key.name) {
                self.duplicates.push(key.clone());
            }
            set(&mut entries, &mut index, key, value);
        }
        Ok(NodeKind::Map(entries))
    }

    fn count(&mut self, nodes: usize, position: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(YamlError::Limit {
                position,
                problem: format!("more than {MAX_NODES} values, with those that aliases repeat"),
            });
        }
        Ok(())
    }
}

/// Sets a key of a mapping, or replaces it.
fn set(entries: &mut Vec<(Key, Node)>, index: &mut HashMap<String, usize>, key: Key, value: Node) {
    match index.get(&key.name).and_then(|i| entries.get_mut(*i)) {
        Some(entry) => *entry = (key, value),
        None => {
            index.insert(key.name.clone(), entries.len());
            entries.push((key, value));
        }
    }
}

/// What YAML 1.1's merge key (<https://yaml.org/type/merge.html>) brings, in the order in which it is set: of several
/// mappings the first wins. Kubernetes' reader sets it where it stands, over what is written before it and under what
/// is written after it; the specification would have it under both.
fn sources(value: Node) -> Result<Vec<(Key, Node)>, YamlError> {
    let sources = match value.kind {
        NodeKind::Seq(items) => items,
        _ => vec![value],
    };
    let mut all = vec![];
    for source in sources.into_iter().rev() {
        let NodeKind::Map(more) = source.kind else {
            let problem = format!("`<<` merges mappings, this is {}", source.describe());
            return Err(YamlError::Syntax { position: source.position, problem });
        };
        all.extend(more);
    }
    Ok(all)
}

fn key_name(key: Node, written: &str) -> Result<String, YamlError> {
    Ok(match key.kind {
        NodeKind::String(s) => s,
        NodeKind::Bool(b, _) => b.to_string(),
        NodeKind::Int(i) => i.to_string(),
        NodeKind::Uint(u) => u.to_string(),
        NodeKind::Float(_) => written.to_owned(),
        NodeKind::Null => "null".into(),
        NodeKind::Seq(_) | NodeKind::Map(_) => {
            let problem = format!("{} can't be a key", key.describe());
            return Err(YamlError::Syntax { position: key.position, problem });
        }
    })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Result<NodeKind, String> {
    Ok(match tag.map(|t| t.strip_prefix("tag:yaml.org,2002:").unwrap_or(t)) {
        Some("str" | "!") => NodeKind::String(text.to_owned()),
        Some("binary") => NodeKind::String(binary(text).ok_or("`!!binary` without text in base64")?),
        Some("null" | "bool" | "int" | "float" | "timestamp") => resolve_plain(text),
        _ if style == ScalarStyle::Plain => resolve_plain(text),
        _ => NodeKind::String(text.to_owned()),
    })
}

fn binary(text: &str) -> Option<String> {
    let digits: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(digits).ok()?;
    String::from_utf8(bytes).ok()
}

fn position(span: &Span) -> Position {
    Position { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn syntax(error: &ScanError) -> YamlError {
    let position = Position { line: error.marker().line().max(1), column: error.marker().col() + 1 };
    YamlError::Syntax { position, problem: error.info().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> serde_json::Value {
        let mut all = parse_values(text).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn documents_anchors_merge_keys_and_tags() {
        assert_eq!(
            one("a: &x {p: 1}\nb: *x\nc: {<<: *x, q: 2, p: 3}\n"),
            json!({"a": {"p": 1}, "b": {"p": 1}, "c": {"q": 2, "p": 3}})
        );
        assert_eq!(
            one("a: &x {p: 1, q: 1}\nb: {p: 0, <<: [{q: 9}, *x], q: 2}\nc: {<<: [{q: 9}, *x]}\n"),
            json!({"a": {"p": 1, "q": 1}, "b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 9}})
        );
        assert!(parse("b: {<<: {q: 9}, q: 2}\n").unwrap()[0].duplicates.is_empty());
        assert_eq!(one("a: !!str 12\nb: 'on'\nc: on\n"), json!({"a": "12", "b": "on", "c": true}));
        assert_eq!(
            one("a: ! 12\nb: !!binary aGVs bG8=\nc: !x 'on'\nd: !!int '3'\n"),
            json!({"a": "12", "b": "hello", "c": "on", "d": 3})
        );
        assert!(parse("a: !!binary ä\n").is_err());
        assert_eq!(
            parse_values("---\n# only a comment\n---\na: 1\n---\n").unwrap(),
            vec![json!(null), json!({"a": 1}), json!(null)]
        );
        assert_eq!(parse_values("# nothing\n").unwrap(), Vec::<serde_json::Value>::new());
        assert_eq!(parse_values("").unwrap(), Vec::<serde_json::Value>::new());
    }

    #[test]
    fn json_is_read_tabs_and_all() {
        assert_eq!(one("{\n\t\"a\": [1, \"on\"],\n\t\"b\": null\n}\n"), json!({"a": [1, "on"], "b": null}));
    }

    #[test]
    fn tabs_may_separate_but_control_characters_may_not_stand() {
        assert_eq!(one("a:\tx\t\nb: \t q\n\"c\":\tz\n"), json!({"a": "x", "b": "q", "c": "z"}));
        assert!(parse(&"a:\tx\n".repeat(super::super::lenient::MAX_TABS + 2)).is_err());
        for (text, at) in [("a: 'x\u{7}'\n", "1:6"), ("a: b\n\0", "2:1"), ("é: \u{9f}", "1:4")] {
            assert!(parse(text).unwrap_err().to_string().starts_with(at), "{text:?}");
        }
    }

    #[test]
    fn duplicate_keys_are_told_and_the_last_one_stands() {
        let documents = parse("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(serde_json::Value::from(&documents[0].root), json!({"a": 3, "b": 2}));
        assert_eq!(documents[0].duplicates[0].position, Position { line: 3, column: 1 });
    }

    #[test]
    fn positions_count_from_one() {
        let root = parse("a:\n  b:\n  - x\n  - {c: 1}\n").unwrap().remove(0).root;
        assert_eq!(root.nearest("a.b.1.c").position, Position { line: 4, column: 9 });
        assert_eq!(root.nearest("a.b.7.c").position, root.nearest("a.b").position);
    }

    #[test]
    fn hostile_input_ends_in_an_error() {
        let laughs: String = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned())
            .chain((1..12).map(|i| {
                let refs = vec![format!("*a{}", i - 1); 10].join(",");
                format!("a{i}: &a{i} [{refs}]\n")
            }))
            .collect();
        for text in [
            laughs,
            "[".repeat(100_000),
            "a: ".repeat(5000),
            "a".repeat(MAX_BYTES + 1),
            "{".repeat(200),
            "a: *b".into(),
        ] {
            assert!(parse(&text).is_err(), "{}…", text.chars().take(40).collect::<String>());
        }
        let error = parse("a:\n  b: 1\n   c: oops\n").unwrap_err().to_string();
        assert!(error.starts_with("3:"), "{error}");
    }
}
