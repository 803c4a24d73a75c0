//! Go's `text/template`, as far as templates for `kubectl -o go-template` use it: fields, variables, pipelines, `if`,
//! `range`, `with`, comparisons, `len`, `index` and `printf`. Not supported are nested templates (`define`, `template`,
//! `block`), `break` and `continue`, and the functions `call`, `html`, `js`, `slice` and `urlquery`.

mod eval;
mod functions;
mod parse;

use serde_json::Value;

use super::error::TemplateError;

/// A template.
#[derive(Debug)]
pub(crate) struct GoTemplate {
    nodes: Vec<Node>,
}

/// A piece of a template.
#[derive(Debug)]
enum Node {
    Text(String),
    /// A value to print.
    Print(Expression),
    /// A variable that gets a value, which is printed nowhere; a new one, or one that is there.
    Assign {
        name: String,
        new: bool,
        value: Expression,
    },
    /// The first branch whose condition holds, or else the last nodes.
    If(Vec<(Expression, Vec<Node>)>, Vec<Node>),
    /// The nodes for each element, with variables for its key and itself; or else the last nodes.
    Range {
        key: Option<String>,
        element: Option<String>,
        of: Expression,
        nodes: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// The nodes with the value as the current one, if it is not empty; or else the last nodes.
    With {
        name: Option<String>,
        value: Expression,
        nodes: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

#[derive(Debug)]
enum Expression {
    /// `.`
    Current,
    /// `$x`; `$` is the whole object.
    Variable(String),
    Value(Value),
    /// `.name` of a value.
    Field(Box<Expression>, String),
    Call(String, Vec<Expression>),
}

impl GoTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is none, or uses what is not supported.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { nodes: parse::template(text)? })
    }

    /// What it prints of an object. Fields that are not there print as `<no value>`, or, where that is not allowed, are
    /// an error.
    ///
    /// # Errors
    /// When a field is missing, or a function can't work with its arguments.
    pub(crate) fn render(&self, object: &Value, allow_missing: bool) -> Result<String, TemplateError> {
        eval::render(&self.nodes, object, allow_missing)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str) -> Result<String, TemplateError> {
        let object = json!({
            "kind": "List",
            "items": [{"name": "a", "size": 3, "ok": true}, {"name": "b", "size": 5}],
            "labels": {"x": "1", "app.io/y": "2"},
            "empty": [],
        });
        GoTemplate::parse(template)?.render(&object, true)
    }

    #[test]
    fn what_kubectl_prints() {
        for (template, text) in [
            ("{{.kind}}!", "List!"),
            ("{{range .items}}{{.name}}{{\"\\n\"}}{{end}}", "a\nb\n"),
            ("{{range $i, $e := .items}}{{$i}}={{$e.name}} {{end}}", "0=a 1=b "),
            ("{{range $e := .items}}{{$.kind}}{{$e.size}}{{end}}", "List3List5"),
            ("{{range .empty}}x{{else}}none{{end}}", "none"),
            ("{{range $k, $v := .labels}}{{$k}}:{{$v}};{{end}}", "app.io/y:2;x:1;"),
            ("{{ if .empty }}a{{ else if eq .kind \"List\" }}b{{ else }}c{{ end }}", "b"),
            ("{{if and .kind (not .empty)}}yes{{end}}", "yes"),
            ("{{(index .items 1).name}}{{index .labels \"app.io/y\"}}", "b2"),
            ("{{len .items}} {{.items | len}}", "2 2"),
            ("{{with .labels}}{{.x}}{{end}}{{with .nope}}x{{else}}y{{end}}", "1y"),
            ("{{range .items}}{{if gt .size 3}}{{.name}}{{end}}{{end}}", "b"),
            ("{{$n := 0}}{{range .items}}{{$n = .size}}{{end}}{{$n}}", "5"),
            ("{{printf \"%-3s|%3d|%q|%v%%\" .kind 7 \"x\" true}}", "List|  7|\"x\"|true%"),
            ("a {{- /* nothing */ -}} b", "ab"),
            ("a {{- .kind -}} b", "aListb"),
            ("{{.nope}}", "<no value>"),
            ("{{.empty}} {{.labels}}", "[] map[app.io/y:2 x:1]"),
            ("{{or .nope \"x\"}}{{eq .kind \"a\" \"List\"}}{{ne 1 2}}", "xtruetrue"),
        ] {
            assert_eq!(rendered(template).unwrap_or_else(|e| panic!("{template}: {e}")), text, "{template}");
        }
    }

    #[test]
    fn what_can_not_be_read_or_done_is_an_error() {
        for bad in [
            "{{.a",
            "{{range .a}}",
            "{{end}}",
            "{{else}}",
            "{{nope .a}}",
            "{{template \"x\"}}",
            "{{$x}}",
            "{{(.a}}",
            "{{.a | }}",
            "{{index .items 9}}",
            "{{len 3}}",
            "{{lt .kind 3}}",
            "{{\"a}}",
            "{{.kind.deeper}}",
        ] {
            assert!(rendered(bad).is_err(), "{bad}");
        }
        let missing = GoTemplate::parse("{{.nope}}").unwrap().render(&json!({}), false);
        assert_eq!(missing.unwrap_err().to_string(), "nope is not found");
        let deep = "(".repeat(5000);
        assert!(GoTemplate::parse(&format!("{{{{{deep}")).is_err());
        assert!(GoTemplate::parse(&"{{if .a}}".repeat(5000)).is_err());
    }
}
