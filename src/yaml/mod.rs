//! YAML as Kubernetes reads and writes it: YAML 1.1.
//!
//! Kubernetes parses YAML 1.1 (sigs.k8s.io/yaml), where a bare `on`, `0400` or `12:30:45` is not a string.
//! Everything that people wrote is read by [`parse()`], which keeps positions and resolves scalars by those
//! rules; everything that Kubernetes will read is written by [`to_string`], which quotes by them.
//! Our own rendered templates are read back with [`from_template`].

mod build;
mod decode;
mod decoder;
mod document;
mod finding;
#[cfg(test)]
mod hazards;
mod lenient;
mod node;
mod parse;
mod same;
mod scalar;
mod schema;
mod unquoted;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use decode::{Decoded, decode, decode_all};
pub(crate) use document::Document;
pub(crate) use node::{Node, NodeKind, Position};
pub(crate) use parse::parse;
pub use parse::parse_values;
pub(crate) use same::same;
pub(crate) use schema::field_paths;

/// Writes `value` as YAML with keys sorted, lists at their parent's indentation and every string quoted that a
/// YAML 1.1 or 1.2 reader could take for something else: the form `sigs.k8s.io/yaml` gives kubeadm's files.
///
/// # Errors
/// When the value can't be represented (a map with keys that are no strings).
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, WriteError> {
    // Through a JSON value, whose maps are sorted, so that no type's field order shows.
    let mut value = serde_json::to_value(value).map_err(|e| WriteError(e.to_string()))?;
    let unquoted = unquoted::mark(&mut value);
    let options = serde_saphyr::ser_options! {
        // Folding would rewrite long lines of text; literal blocks (`|`) stay.
        folded_wrap_chars: usize::MAX,
        compact_list_indent: true,
    };
    let text =
        serde_saphyr::to_string_with_options(&value, options).map_err(|e| WriteError(e.to_string()))?;
    Ok(if unquoted { unquoted::unmark(&text) } else { text })
}

/// Reads a document that one of our own templates rendered (YAML 1.2 is enough there, since the templates
/// quote by YAML 1.1). Through a JSON value, from which every type is read anyway: code for reading large types such as a
/// Pod's is not made twice.
///
/// # Errors
/// When the text is not YAML or does not fit `T`.
pub(crate) fn from_template<T: DeserializeOwned>(text: &str) -> Result<T, TemplateError> {
    let value: serde_json::Value = serde_yaml::from_str(text).map_err(|e| TemplateError(e.to_string()))?;
    serde_json::from_value(value).map_err(|e| TemplateError(e.to_string()))
}

/// Escapes text for the inside of a double-quoted YAML scalar, where our templates put all text: the same string
/// under YAML 1.1 and 1.2, since JSON's string syntax is a subset of YAML's double-quoted style (YAML 1.2 §1.3)
/// once what YAML calls non-printable is escaped too. Named in `askama.toml`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct YamlEscaper;

impl askama::filters::Escaper for YamlEscaper {
    fn write_escaped_str<W: std::fmt::Write>(&self, mut dest: W, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '"' | '\\' => write!(dest, "\\{c}")?,
                '\n' => dest.write_str("\\n")?,
                '\t' => dest.write_str("\\t")?,
                '\0'..='\u{1f}'
                | '\u{7f}'..='\u{9f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}' => {
                    write!(dest, "\\u{:04x}", u32::from(c))?;
                }
                _ => dest.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A value that can't be written as YAML.
#[derive(Debug, thiserror::Error)]
#[error("can't be written as YAML: {0}")]
pub struct WriteError(String);

/// A rendered template that does not read back as what it should be: a fault of ours, or text that a template
/// did not quote.
#[derive(Debug, thiserror::Error)]
#[error("a rendered template does not read back: {0}")]
pub(crate) struct TemplateError(String);

impl TemplateError {
    /// A template that could not even be rendered.
    pub(crate) fn render(error: &askama::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::hazards::HAZARDS;
    use super::*;

    #[test]
    fn every_hazard_survives_being_written_under_both_readers() {
        for hazard in HAZARDS {
            for value in
                [serde_json::json!({ "k": hazard }), serde_json::json!({ "l": [hazard, { "x": hazard }] })]
            {
                let text = to_string(&value).unwrap();
                assert_eq!(
                    parse_values(&text).unwrap(),
                    vec![value.clone()],
                    "YAML 1.1 reads {hazard:?} back from:\n{text}"
                );
                let again: serde_json::Value = from_template(&text).unwrap();
                assert_eq!(again, value, "YAML 1.2 reads {hazard:?} back from:\n{text}");
            }
            let key = serde_json::json!({ *hazard: "v" });
            assert_eq!(parse_values(&to_string(&key).unwrap()).unwrap(), vec![key], "as a key: {hazard:?}");
        }
    }

    #[test]
    fn text_in_templates_reads_back() {
        use askama::filters::Escaper;
        for hazard in HAZARDS {
            let mut escaped = String::new();
            YamlEscaper.write_escaped_str(&mut escaped, hazard).unwrap();
            let text = format!("k: \"{escaped}\"\n");
            let want = serde_json::json!({ "k": hazard });
            assert_eq!(parse_values(&text).unwrap(), vec![want.clone()], "{text}");
            assert_eq!(from_template::<serde_json::Value>(&text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn lists_stand_at_their_parents_indentation() {
        let text =
            to_string(&serde_json::json!({"b": [{"z": 1, "x": []}], "a": "l1\nl2\n", "m": {}})).unwrap();
        assert_eq!(text, "a: |\n  l1\n  l2\nb:\n- x: []\n  z: 1\nm: {}\n");
    }

    #[test]
    fn long_lines_are_not_folded() {
        let long = "word ".repeat(60) + "end";
        assert_eq!(to_string(&serde_json::json!({ "k": long })).unwrap(), format!("k: {long}\n"));
    }
}
