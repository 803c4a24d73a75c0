//! Whether two texts say the same.

use serde_json::Value;

use super::parse_values;

/// Whether both texts are YAML maps that say the same: comments, style and the order of keys do not count, and what
/// is null counts as absent, as in Kubernetes.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let read = |text: &str| -> Option<Vec<Value>> {
        let documents = parse_values(text).ok()?;
        let all_maps = !documents.is_empty() && documents.iter().all(Value::is_object);
        all_maps.then(|| documents.into_iter().map(without_nulls).collect())
    };
    matches!((read(one), read(other)), (Some(one), Some(other)) if one == other)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, v)| !v.is_null());
            Value::Object(kept.map(|(k, v)| (k, without_nulls(v))).collect())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn form_does_not_count_and_content_does() {
        let text = "a: 1\nb: [x, \"z\"]\n";
        for equal in
            ["# mine\nb:\n- x\n- z\na: 1", "{\"b\": [\"x\", \"z\"], \"a\": 1}", "a: 1\nb: [x, z]\nc: null\n"]
        {
            assert!(same(text, equal), "{equal}");
        }
        for other in [
            "a: \"1\"\nb: [x, z]",
            "a: 1\nb: [z, x]",
            "a: 1\nb: [x",
            "a: 1",
            "",
            "a: 1\nb: [x, z]\n---\nc: 1",
        ] {
            assert!(!same(text, other), "{other}");
        }
        assert!(!same("text", "text "), "texts that are no maps are not for us to compare");
    }
}
