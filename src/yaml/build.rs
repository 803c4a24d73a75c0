//! From the scanner's events to documents: anchors, merge keys, duplicates, and limits that hold on hostile input.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::document::{Document, YamlError};
use super::node::{Key, Node, NodeKind, Position};
use super::scalar::resolve_plain;

/// How deep values may nest.
const MAX_DEPTH: usize = 100;
/// How many values a file may hold once its aliases are followed (YAML's "billion laughs").
const MAX_NODES: usize = 500_000;
/// A text counts as one value more for as many bytes: aliases copy it.
const BYTES_PER_NODE: usize = 64;

/// Reads a stream of YAML documents, as the scanner takes it.
///
/// # Errors
/// When the text is not YAML, or passes a limit.
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
    let problem = match error.info() {
        "simple key expect ':'" | "simple key expected ':'" | "simple key expected" => {
            "a line here is neither `key: value` nor an item of a list; a separator of documents is `---` alone"
        }
        other => other,
    };
    YamlError::Syntax { position, problem: problem.to_owned() }
}
