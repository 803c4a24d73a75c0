//! Applies a template to an object.

use serde_json::Value;

use super::super::error::TemplateError;
use super::functions::{call, is_true, shown};
use super::{Expression, Node};

/// What the nodes print.
pub(super) fn render(nodes: &[Node], object: &Value, allow_missing: bool) -> Result<String, TemplateError> {
    let mut run = Run { object, allow_missing, variables: vec![], text: String::new() };
    run.nodes(nodes, object)?;
    Ok(run.text)
}

struct Run<'a> {
    object: &'a Value,
    allow_missing: bool,
    variables: Vec<(String, Value)>,
    text: String,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], current: &Value) -> Result<(), TemplateError> {
        nodes.iter().try_for_each(|node| self.node(node, current))
    }

    /// Nodes whose variables end with them.
    fn block(
        &mut self,
        nodes: &[Node],
        current: &Value,
        variables: Vec<(String, Value)>,
    ) -> Result<(), TemplateError> {
        let outer = self.variables.len();
        self.variables.extend(variables);
        let result = self.nodes(nodes, current);
        self.variables.truncate(outer);
        result
    }

    fn node(&mut self, node: &Node, current: &Value) -> Result<(), TemplateError> {
        match node {
            Node::Text(text) => self.text.push_str(text),
            Node::Print(value) => {
                let value = self.value(value, current)?;
                self.text.push_str(&shown(&value));
            }
            Node::Assign { name, new, value } => {
                let value = self.value(value, current)?;
                match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                    Some((_, known)) if !new => *known = value,
                    _ => self.variables.push((name.clone(), value)),
                }
            }
            Node::If(branches, otherwise) => {
                for (condition, nodes) in branches {
                    if is_true(&self.value(condition, current)?) {
                        return self.block(nodes, current, vec![]);
                    }
                }
                self.block(otherwise, current, vec![])?;
            }
            Node::With { name, value, nodes, otherwise } => {
                let value = self.value(value, current)?;
                if !is_true(&value) {
                    return self.block(otherwise, current, vec![]);
                }
                let variables = name.iter().map(|name| (name.clone(), value.clone())).collect();
                self.block(nodes, &value, variables)?;
            }
            Node::Range { key, element, of, nodes, otherwise } => {
                let elements: Vec<(Value, Value)> = match self.value(of, current)? {
                    Value::Array(elements) => {
                        elements.into_iter().enumerate().map(|(at, element)| (at.into(), element)).collect()
                    }
                    Value::Object(fields) => {
                        let mut fields: Vec<_> = fields.into_iter().collect();
                        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
                        fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
                    }
                    Value::Null => vec![],
                    other => {
                        return Err(TemplateError::Value(format!(
                            "range can't iterate over {}",
                            shown(&other)
                        )));
                    }
                };
                if elements.is_empty() {
                    return self.block(otherwise, current, vec![]);
                }
                for (at, value) in elements {
                    let key = key.iter().map(|name| (name.clone(), at.clone()));
                    let variables =
                        key.chain(element.iter().map(|name| (name.clone(), value.clone()))).collect();
                    self.block(nodes, &value, variables)?;
                }
            }
        }
        Ok(())
    }

    fn value(&self, expression: &Expression, current: &Value) -> Result<Value, TemplateError> {
        match expression {
            Expression::Current => Ok(current.clone()),
            Expression::Value(value) => Ok(value.clone()),
            Expression::Variable(name) if name.is_empty() => Ok(self.object.clone()),
            Expression::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| TemplateError::Value(format!("undefined variable ${name}")))
            }
            Expression::Field(of, name) => match self.value(of, current)? {
                Value::Object(mut fields) => match fields.remove(name) {
                    Some(value) => Ok(value),
                    None if self.allow_missing => Ok(Value::Null),
                    None => Err(TemplateError::Missing(name.clone())),
                },
                Value::Null if self.allow_missing => Ok(Value::Null),
                other => {
                    Err(TemplateError::Value(format!("can't evaluate field {name} in {}", shown(&other))))
                }
            },
            Expression::Call(name, arguments) => {
                let values: Result<Vec<Value>, TemplateError> =
                    arguments.iter().map(|argument| self.value(argument, current)).collect();
                call(name, &values?)
            }
        }
    }
}
