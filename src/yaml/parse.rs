//! Reading a text as Kubernetes does: as YAML, as JSON where that fails, with errors that explain.

use super::build::parse_yaml;
use super::document::{Document, YamlError};
use super::lenient::{TAB_AFTER_COLON, explain, parse_json, position_of, printable, without_tabs};
use super::node::Position;

/// What is read at the most; a kubeadm configuration is a few kilobytes.
const MAX_BYTES: usize = 4 << 20;
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
