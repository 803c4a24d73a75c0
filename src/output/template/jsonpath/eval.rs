//! Applies a template to an object.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::super::error::TemplateError;
use super::{Comparison, Node, Operand, Step};

/// The values of each node, in order.
pub(super) fn results<'a>(
    nodes: &'a [Node],
    object: &'a Value,
    allow_missing: bool,
) -> Result<Vec<Vec<Cow<'a, Value>>>, TemplateError> {
    let mut all = vec![];
    for node in nodes {
        match node {
            Node::Text(text) => all.push(vec![Cow::Owned(Value::String(text.clone()))]),
            Node::Path(path) => {
                let found = follow(path, vec![object], allow_missing)?;
                all.push(found.into_iter().map(Cow::Borrowed).collect());
            }
            Node::Range(path, nodes) => {
                for element in follow(path, vec![object], allow_missing)? {
                    all.extend(results(nodes, element, allow_missing)?);
                }
            }
        }
    }
    Ok(all)
}

/// The values that a path leads to.
fn follow<'a>(
    path: &'a [Step],
    from: Vec<&'a Value>,
    allow_missing: bool,
) -> Result<Vec<&'a Value>, TemplateError> {
    path.iter().try_fold(from, |values, step| take_step(step, &values, allow_missing))
}

fn take_step<'a>(
    step: &'a Step,
    values: &[&'a Value],
    allow_missing: bool,
) -> Result<Vec<&'a Value>, TemplateError> {
    let mut found = vec![];
    match step {
        Step::Field(name) => {
            found.extend(values.iter().filter_map(|value| value.get(name)));
            if found.is_empty() && !allow_missing {
                return Err(TemplateError::Missing(name.clone()));
            }
        }
        Step::Union(steps) => {
            for step in steps {
                found.extend(take_step(step, values, allow_missing)?);
            }
        }
        Step::All => values.iter().for_each(|value| children(value, &mut found)),
        Step::Descend => values.iter().for_each(|value| descend(value, &mut found)),
        Step::Slice { start, end, step, single } => {
            for value in values {
                let wanted = Slice { start: *start, end: *end, step: *step, single: *single };
                found.extend(wanted.of(elements(value)?)?);
            }
        }
        Step::Filter(left, comparison) => {
            for value in values {
                for element in elements(value)? {
                    if is_wanted(element, left, comparison.as_ref())? {
                        found.push(element);
                    }
                }
            }
        }
    }
    Ok(found)
}

fn children<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(elements) => found.extend(elements),
        Value::Object(fields) => found.extend(fields.values()),
        _ => {}
    }
}

/// The value and everything in it.
fn descend<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(value);
    let mut below = vec![];
    children(value, &mut below);
    below.into_iter().for_each(|child| descend(child, found));
}

fn elements(value: &Value) -> Result<&[Value], TemplateError> {
    match value {
        Value::Array(elements) => Ok(elements),
        Value::Null => Ok(&[]),
        other => Err(TemplateError::Value(format!("{other} is not array or slice"))),
    }
}

struct Slice {
    start: Option<i64>,
    end: Option<i64>,
    step: Option<i64>,
    single: bool,
}

impl Slice {
    /// The elements; negative indices count from the end.
    fn of(self, elements: &[Value]) -> Result<Vec<&Value>, TemplateError> {
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        let from_end = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
        let start = from_end(self.start.unwrap_or(0));
        let end = match self.end {
            _ if self.single => start.saturating_add(1),
            Some(end) => from_end(end),
            None => length,
        };
        let step = usize::try_from(self.step.unwrap_or(1)).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| TemplateError::Value("step must be > 0".into()))?;
        if start == end {
            return Ok(vec![]);
        }
        let outside = |index| TemplateError::OutOfBounds { index, length: elements.len() };
        if !(0..length).contains(&start) {
            return Err(outside(start));
        }
        if !(0..=length).contains(&end) {
            return Err(outside(end.saturating_sub(1)));
        }
        let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
        let wanted = elements.get(range).ok_or_else(|| {
            TemplateError::Value(format!("starting index {start} is greater than ending index {end}"))
        })?;
        Ok(wanted.iter().step_by(step).collect())
    }
}

fn is_wanted(
    element: &Value,
    left: &Operand,
    comparison: Option<&(Comparison, Operand)>,
) -> Result<bool, TemplateError> {
    let Some((comparison, right)) = comparison else {
        return Ok(!values(left, element)?.is_empty());
    };
    let (left, right) = (values(left, element)?, values(right, element)?);
    match (left.as_slice(), right.as_slice()) {
        ([], _) | (_, []) => Ok(false),
        ([left], [right]) => compare(left, *comparison, right),
        _ => Err(TemplateError::Value("can only compare one element at a time".into())),
    }
}

fn values<'a>(operand: &'a Operand, element: &'a Value) -> Result<Vec<&'a Value>, TemplateError> {
    match operand {
        Operand::Value(value) => Ok(vec![value]),
        Operand::Path(path) => follow(path, vec![element], true),
    }
}

fn compare(left: &Value, comparison: Comparison, right: &Value) -> Result<bool, TemplateError> {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b))
        }
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    };
    let Some(order) = order else {
        return Err(TemplateError::Value(format!("incompatible types for comparison: {left} and {right}")));
    };
    Ok(match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    })
}
