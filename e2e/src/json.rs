//! Reading JSON that may look otherwise than expected.

use serde_json::Value;

/// What `value` has at `pointer` (RFC 6901); null where it has nothing.
pub fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    static NOTHING: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NOTHING)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::at;

    #[test]
    fn nothing_is_null() {
        let value = json!({ "a": { "b/c": [1] } });
        assert_eq!(at(&value, "/a/b~1c/0"), 1);
        assert!(at(&value, "/a/x/0").is_null());
    }
}
