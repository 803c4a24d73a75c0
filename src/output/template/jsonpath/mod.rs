//! JSONPath as `kubectl` speaks it: text with expressions in braces, `{range …}{end}`, filters, strings.

mod eval;
mod parse;

use serde_json::Value;

use super::error::TemplateError;

/// A template.
#[derive(Debug, PartialEq)]
pub(crate) struct JsonPath {
    nodes: Vec<Node>,
}

/// A piece of a template.
#[derive(Debug, PartialEq)]
enum Node {
    /// Text to print.
    Text(String),
    /// The values that a path leads to, with blanks between.
    Path(Vec<Step>),
    /// The nodes for each value that the path leads to.
    Range(Vec<Step>, Vec<Node>),
}

/// A step from values to values.
#[derive(Debug, PartialEq)]
enum Step {
    /// `.name` or `['name']`.
    Field(String),
    /// `['a','b']` or `[0,2]`.
    Union(Vec<Step>),
    /// `[1]`, where only the start is given, or `[start:end:step]`.
    Slice { start: Option<i64>, end: Option<i64>, step: Option<i64>, single: bool },
    /// `.*` or `[*]`.
    All,
    /// `..`.
    Descend,
    /// `[?(left op right)]`.
    Filter(Operand, Option<(Comparison, Operand)>),
}

/// A side of a comparison.
#[derive(Debug, PartialEq)]
enum Operand {
    /// A path from the element.
    Path(Vec<Step>),
    /// A value.
    Value(Value),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { nodes: parse::template(text)? })
    }

    /// What it prints of an object. Fields that are not there are empty, or, where that is not allowed, an error.
    ///
    /// # Errors
    /// When the object does not have what a path leads to.
    pub(crate) fn render(&self, object: &Value, allow_missing: bool) -> Result<String, TemplateError> {
        let mut text = String::new();
        for results in eval::results(&self.nodes, object, allow_missing)? {
            let shown: Vec<String> = results.iter().map(|value| shown(value)).collect();
            text.push_str(&shown.join(" "));
        }
        Ok(text)
    }

    /// The values, as a JSON array for each expression.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub(crate) fn values(&self, object: &Value, allow_missing: bool) -> Result<Vec<Value>, TemplateError> {
        let results = eval::results(&self.nodes, object, allow_missing)?;
        Ok(results.into_iter().map(|values| values.into_iter().map(|v| v.into_owned()).collect()).collect())
    }
}

/// A value as text: strings bare, lists and objects as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<no value>".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "kind": "List",
            "items": [
                {"metadata": {"name": "a", "labels": {"app.io/x": "1"}}, "size": 3, "ok": true},
                {"metadata": {"name": "b"}, "size": 5, "ok": false},
                {"metadata": {"name": "c"}, "size": 8.5},
            ],
            "none": null,
        })
    }

    #[test]
    fn what_kubectl_prints() {
        for (template, text) in [
            ("{.kind}", "List"),
            ("{$.kind}", "List"),
            ("kind is {.kind}!", "kind is List!"),
            (".kind", ".kind"),
            ("{.items[*].metadata.name}", "a b c"),
            ("{.items[0].metadata.name}{'\\t'}{.items[-1].metadata.name}", "a\tc"),
            ("{.items[0:2].metadata.name}", "a b"),
            ("{.items[::2].metadata.name}", "a c"),
            ("{.items[1:].size}", "5 8.5"),
            ("{.items[0,2].size}", "3 8.5"),
            ("{.items[0]['size','ok']}", "3 true"),
            (r"{.items[0].metadata.labels.app\.io/x}", "1"),
            ("{.items[0].metadata.labels['app.io/x']}", "1"),
            ("{..name}", "a b c"),
            ("{.items[?(@.size>3)].metadata.name}", "b c"),
            (r#"{.items[?(@.metadata.name=="b")].size}"#, "5"),
            ("{.items[?(@.metadata.name != 'b')].size}", "3 8.5"),
            ("{.items[?(@.ok)].metadata.name}", "a b"),
            ("{.items[?(@.ok==true)].metadata.name}", "a"),
            ("{.items[?(@.size<=5)].size}", "3 5"),
            (r#"{range .items[*]}{.metadata.name}{"="}{.size}{"\n"}{end}."#, "a=3\nb=5\nc=8.5\n."),
            ("{range .items[:1]}{range .metadata.labels.*}<{@}>{end}{end}", "<1>"),
            ("{.items[0].metadata}", r#"{"labels":{"app.io/x":"1"},"name":"a"}"#),
            ("{.nope.deeper}", ""),
            ("{.none}", "<no value>"),
            ("{}", ""),
        ] {
            let parsed = JsonPath::parse(template).unwrap_or_else(|e| panic!("{template}: {e}"));
            assert_eq!(parsed.render(&object(), true).unwrap(), text, "{template}");
        }
    }

    #[test]
    fn what_can_not_be_read_or_found_is_an_error() {
        for bad in [
            "{.a",
            "{.a[}",
            "{.a[?(@.b]}",
            "{range .a}",
            "{end}",
            "{.a[x]}",
            "{.a[?(@.b ~ 1)]}",
            "{a}",
            "{'x}",
        ] {
            assert!(JsonPath::parse(bad).is_err(), "{bad}");
        }
        let error = |template: &str, allow| {
            JsonPath::parse(template).unwrap().render(&object(), allow).unwrap_err().to_string()
        };
        assert_eq!(error("{.nope}", false), "nope is not found");
        assert_eq!(error("{.items[9]}", true), "array index out of bounds: index 9, length 3");
        assert!(error("{.kind[0]}", true).contains("is not array"), "a string has no elements");
    }

    #[test]
    fn values_are_lists() {
        let path = JsonPath::parse("{.items[*].size}").unwrap();
        assert_eq!(path.values(&object(), true).unwrap(), [json!([3, 5, 8.5])]);
    }
}
