//! The functions of templates.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::error::TemplateError;

/// Those that are known.
pub(super) const FUNCTIONS: [&str; 14] =
    ["and", "eq", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println"];

/// Whether a value counts as true: what is not empty.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// A value in Go's form.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".into(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> = fields.iter().map(|(k, v)| format!("{k}:{}", shown(v))).collect();
            fields.sort();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}

/// The value of a function.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, TemplateError> {
    let fail = |why: &str| Err(TemplateError::Value(format!("error calling {name}: {why}")));
    let list = || arguments.iter().map(shown).collect::<Vec<_>>();
    match (name, arguments) {
        ("and", [.., last]) => Ok(arguments.iter().find(|a| !is_true(a)).unwrap_or(last).clone()),
        ("or", [.., last]) => Ok(arguments.iter().find(|a| is_true(a)).unwrap_or(last).clone()),
        ("not", [value]) => Ok((!is_true(value)).into()),
        ("len", [Value::Array(elements)]) => Ok(elements.len().into()),
        ("len", [Value::Object(fields)]) => Ok(fields.len().into()),
        ("len", [Value::String(text)]) => Ok(text.len().into()),
        ("index", [value, keys @ ..]) => {
            keys.iter().try_fold(value.clone(), |value, key| element(&value, key))
        }
        ("eq", [first, others @ ..]) if !others.is_empty() => Ok(others.iter().any(|o| o == first).into()),
        ("ne", [a, b]) => Ok((a != b).into()),
        ("lt" | "le" | "gt" | "ge", [a, b]) => {
            let Some(order) = order(a, b) else { return fail("incompatible types for comparison") };
            Ok(match name {
                "lt" => order == Ordering::Less,
                "le" => order != Ordering::Greater,
                "gt" => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }
            .into())
        }
        ("print", _) => Ok(list().join("").into()),
        ("println", _) => Ok(format!("{}\n", list().join(" ")).into()),
        ("printf", [Value::String(format), rest @ ..]) => Ok(printf(format, rest)?.into()),
        _ => fail("wrong arguments"),
    }
}

fn element(value: &Value, key: &Value) -> Result<Value, TemplateError> {
    match (value, key) {
        (Value::Array(elements), Value::Number(at)) => {
            let index = at.as_i64().unwrap_or(-1);
            let element = usize::try_from(index).ok().and_then(|at| elements.get(at));
            element.cloned().ok_or(TemplateError::OutOfBounds { index, length: elements.len() })
        }
        (Value::Object(fields), Value::String(name)) => Ok(fields.get(name).cloned().unwrap_or_default()),
        _ => Err(TemplateError::Value(format!("can't index {} with {}", shown(value), shown(key)))),
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// `%s`, `%v`, `%d`, `%t`, `%q` and `%%`, with a width and `-`.
fn printf(format: &str, values: &[Value]) -> Result<String, TemplateError> {
    /// Wider than any terminal.
    const WIDEST: usize = 1000;
    let fail = || Err(TemplateError::Value(format!("error calling printf: {format:?} is not supported")));
    let mut values = values.iter();
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, directive)) = rest.split_once('%') {
        text.push_str(before);
        let verb_at = directive.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(directive.len());
        let (options, after) = directive.split_at(verb_at);
        let mut chars = after.chars();
        let verb = chars.next();
        rest = chars.as_str();
        if verb == Some('%') {
            text.push('%');
            continue;
        }
        let Some(value) = values.next() else { return fail() };
        let value = match verb {
            Some('s' | 'v' | 'd' | 't') => shown(value),
            Some('q') => format!("{:?}", shown(value)),
            _ => return fail(),
        };
        let width = options.trim_start_matches('-');
        let width = if width.is_empty() { 0 } else { width.parse().unwrap_or(WIDEST).min(WIDEST) };
        text.push_str(&if options.starts_with('-') {
            format!("{value:<width$}")
        } else {
            format!("{value:>width$}")
        });
    }
    Ok(text + rest)
}
