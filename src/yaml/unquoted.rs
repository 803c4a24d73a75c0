//! Addresses and versions stand without quotes, as kubeadm writes them: scripts look for `advertiseAddress: 1.2.3.4`.
//! By the letter of YAML 1.1 they are floats, which is why the serializer quotes them; no reader takes them for that.

use serde_json::Value;

/// What marks a string that is to be written plain. It is for private use, and text that has it is left alone.
const MARK: char = '\u{e000}';

/// Marks the strings that need no quotes. It does not where the value has the mark already, and tells so with `false`.
pub(super) fn mark(value: &mut Value) -> bool {
    let may = !has_mark(value);
    if may {
        mark_all(value);
    }
    may
}

/// The text without the marks.
pub(super) fn unmark(text: &str) -> String {
    text.replace(MARK, "")
}

fn has_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(MARK),
        Value::Array(list) => list.iter().any(has_mark),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains(MARK) || has_mark(value)),
        _ => false,
    }
}

fn mark_all(value: &mut Value) {
    match value {
        Value::String(text) if is_dotted_numbers(text) => text.insert(0, MARK),
        Value::Array(list) => list.iter_mut().for_each(mark_all),
        Value::Object(map) => map.values_mut().for_each(mark_all),
        _ => {}
    }
}

/// Three or more numbers with dots between them: two would be a float.
fn is_dotted_numbers(text: &str) -> bool {
    let mut parts = 0;
    let all_numbers = text.split('.').all(|part| {
        parts += 1;
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
    });
    all_numbers && parts > 2
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{parse_values, to_string};

    #[test]
    fn addresses_and_versions_stand_without_quotes() {
        let value = json!({ "address": "1.2.3.4", "list": ["1.36.0"], "version": "1.36", "dots": "1..2", "v": "1.2." });
        let text = to_string(&value).unwrap();
        assert!(text.contains("address: 1.2.3.4\n") && text.contains("- 1.36.0\n"), "{text}");
        for quoted in ["version: \"1.36\"", "dots: \"1..2\"", "v: \"1.2.\""] {
            assert!(text.contains(quoted), "{quoted}: {text}");
        }
        assert_eq!(parse_values(&text).unwrap(), vec![value]);
    }

    #[test]
    fn text_with_the_mark_is_left_alone() {
        let value = json!({ "address": "1.2.3.4", "text": "a\u{e000}b" });
        let text = to_string(&value).unwrap();
        assert_eq!(parse_values(&text).unwrap(), vec![value]);
        assert!(text.contains("\"1.2.3.4\""), "{text}");
    }
}
