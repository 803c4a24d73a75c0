//! What Kubernetes reads and our YAML scanner does not: JSON with tabs, and tabs after colons.

use super::build::parse_yaml;
use super::document::{Document, YamlError};
use super::node::{Key, Node, NodeKind, Position};

/// What YAML calls printable, and a byte order mark.
pub(super) fn printable(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

pub(super) fn position_of(text: &str, index: usize) -> Position {
    let before = text.get(..index).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("");
    Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// A line that looks like YAML and is not, and what to say about it.
type LookAlike = (fn(&str) -> bool, &'static str);

/// Lines that people take for YAML.
const LOOK_ALIKES: [LookAlike; 4] = [
    (
        |line| {
            line.trim_end().len() != 3
                && line.len() > 1
                && line.trim_end().bytes().all(|b| matches!(b, b'-' | b'='))
        },
        "this line is not a separator of documents: write exactly three dashes, `---`",
    ),
    (
        |line| key(line).is_some_and(|rest| rest.starts_with('\u{ff1a}')),
        "the colon here is a full-width one (U+FF1A): write `: ` in ASCII",
    ),
    (
        |line| line.trim_start_matches(' ').starts_with(['\u{a0}', '\u{3000}', '\t']),
        "this line is indented with tabs or with spaces that are not ASCII (U+00A0, U+3000): use plain spaces",
    ),
    (
        |line| {
            key(line).is_some_and(|rest| rest.starts_with(':') && !rest.starts_with(": ") && rest.len() > 1)
        },
        "a space is missing after the colon: write `key: value`",
    ),
];

/// What follows the word that a line begins with.
fn key(line: &str) -> Option<&str> {
    let line = line.trim_start_matches([' ', '-']);
    let rest = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    (rest.len() < line.len()).then_some(rest)
}

/// The scanner's words for a text that is no YAML, or better ones where the line at fault is of a known kind.
pub(super) fn explain(text: &str, position: Position, problem: String) -> YamlError {
    // The scanner notices some of these only at the line after, or at the end.
    let mut before = text.split('\n').take(position.line).enumerate().collect::<Vec<_>>();
    before.reverse();
    for (alike, explanation) in LOOK_ALIKES {
        if let Some((index, line)) = before.iter().find(|(_, line)| alike(line)) {
            let column = line.len() - line.trim_start().len() + 1;
            let position = Position { line: index + 1, column };
            return YamlError::Syntax { position, problem: explanation.to_owned() };
        }
    }
    YamlError::Syntax { position, problem }
}

/// How the scanner names a tab between a key and its value: allowed by YAML, but not by it.
pub(super) const TAB_AFTER_COLON: &str = "':' must be followed";
/// How many such tabs are forgiven at the most.
pub(super) const MAX_TABS: usize = 1000;
/// How much is read again for them in all: each means another reading.
const MAX_BYTES_ANEW: usize = 16 << 20;

/// Reads `text` with a space for each such tab, beginning with those before `first`.
pub(super) fn without_tabs(text: &str, first: Position) -> Result<Vec<Document>, YamlError> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let mut position = first;
    for _ in 0..MAX_TABS.min(MAX_BYTES_ANEW / text.len().max(1)) {
        let Some(line) = lines.get_mut(position.line - 1) else { break };
        let tabs = line.chars().take(position.column - 1).collect::<String>();
        let colon = tabs.trim_end().len();
        let spaces = tabs.split_at(colon).1.replace('\t', " ");
        line.replace_range(colon..tabs.len(), &spaces);
        match parse_yaml(&lines.join("\n")) {
            Err(YamlError::Syntax { position: next, problem })
                if problem.contains(TAB_AFTER_COLON) && next > position =>
            {
                position = next;
            }
            other => return other,
        }
    }
    let problem = "more tabs after colons than are read: use spaces".into();
    Err(YamlError::Syntax { position, problem })
}

/// JSON that is no YAML, for its tabs: no positions, since serde_json keeps none.
pub(super) fn parse_json(text: &str) -> Option<Vec<Document>> {
    fn node(value: serde_json::Value) -> Node {
        let kind = match value {
            serde_json::Value::Null => NodeKind::Null,
            serde_json::Value::Bool(b) => NodeKind::Bool(b, b.to_string()),
            serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => NodeKind::Int(i),
                (_, Some(u)) => NodeKind::Uint(u),
                _ => NodeKind::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(s) => NodeKind::String(s),
            serde_json::Value::Array(items) => NodeKind::Seq(items.into_iter().map(node).collect()),
            serde_json::Value::Object(map) => {
                let key = |name| Key { name, position: Position { line: 1, column: 1 } };
                NodeKind::Map(map.into_iter().map(|(k, v)| (key(k), node(v))).collect())
            }
        };
        Node { kind, position: Position { line: 1, column: 1 }, written: None }
    }
    let documents: Result<Vec<serde_json::Value>, _> =
        serde_json::Deserializer::from_str(text).into_iter().collect();
    Some(documents.ok()?.into_iter().map(|v| Document { root: node(v), duplicates: vec![] }).collect())
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse;

    #[test]
    fn lines_that_look_like_yaml_are_explained() {
        for (text, want) in [
            ("----\na: 1\n", "1:1: this line is not a separator"),
            ("a: 1\n--\nb: 2\n", "2:1: this line is not a separator"),
            ("a: 1\n-----------\nb: 2\n", "2:1: this line is not a separator"),
            ("====\na: 1\n", "1:1: this line is not a separator"),
            ("a: 1\nname\u{ff1a}x\nb: 2\n", "2:1: the colon here is a full-width one"),
            ("a: 1\nname\u{ff1a}x\n", "2:1: the colon here is a full-width one"),
            ("a:\n\tb: 1\n", "2:2: this line is indented with"),
            ("a: 1\nname:x\nb: 2\n", "2:1: a space is missing after the colon"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error} / {want}");
        }
        assert!(parse("a: 1\n---\nb: 2\n").is_ok());
    }
}
