//! KYAML: YAML in the form that `kubectl -o kyaml` writes, with braces and with every string in quotes.

use serde_json::Value;

/// An object as a KYAML document.
pub(crate) fn kyaml(object: &Value) -> String {
    let mut text = "---\n".to_owned();
    write(object, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = |depth: usize| "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push_str("{\n");
            for (name, value) in fields {
                text.push_str(&format!("{}{}: ", indent(depth + 1), key(name)));
                write(value, depth + 1, text);
                text.push_str(",\n");
            }
            text.push_str(&format!("{}}}", indent(depth)));
        }
        // Lists of objects have them one after another, with their braces on the list's own lines.
        Value::Array(elements) if !elements.is_empty() && elements.iter().all(Value::is_object) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                write(element, depth, text);
            }
            text.push(']');
        }
        Value::Array(elements) if !elements.is_empty() => {
            text.push_str("[\n");
            for element in elements {
                text.push_str(&indent(depth + 1));
                write(element, depth + 1, text);
                text.push_str(",\n");
            }
            text.push_str(&format!("{}]", indent(depth)));
        }
        // JSON's form is YAML's, too.
        other => text.push_str(&other.to_string()),
    }
}

/// A key, in quotes where it is not plainly a word.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !matches!(
            name.to_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if plain { name.to_owned() } else { Value::String(name.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn braces_quotes_and_commas() {
        let object = json!({"kind": "Images", "images": ["a", "b"], "y": 1, "none": null, "of": [{"x": true}, {"x": []}]});
        let text = kyaml(&object);
        assert!(text.contains("  images: [\n    \"a\",\n    \"b\",\n  ],\n"), "{text}");
        assert!(text.contains("  of: [{\n    x: true,\n  }, {\n    x: [],\n  }],\n"), "{text}");
        assert!(text.starts_with("---\n{\n") && text.contains("  \"y\": 1,\n"), "{text}");
        assert_eq!(crate::yaml::parse_values(&text).unwrap(), [object]);
    }
}
