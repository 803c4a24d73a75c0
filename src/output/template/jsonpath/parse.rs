//! Reads a template.

use serde_json::Value;

use super::super::error::TemplateError;
use super::super::scanner::Scanner;
use super::{Comparison, Node, Operand, Step};

/// How deep `{range}` and filters may be nested: more than any template needs, and no more than the stack bears.
const DEPTH: usize = 32;

/// The nodes of a template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser { text: Scanner { rest: text } };
    parser.nodes(0)
}

struct Parser<'a> {
    text: Scanner<'a>,
}

impl Parser<'_> {
    fn expect(&mut self, token: &str) -> Result<(), TemplateError> {
        if self.text.take(token) { Ok(()) } else { self.text.fail(&format!("`{token}` is expected")) }
    }

    /// The characters up to the first that is not wanted.
    fn while_(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let end = self.text.rest.find(|c| !wanted(c)).unwrap_or(self.text.rest.len());
        let (taken, rest) = self.text.rest.split_at(end);
        self.text.rest = rest;
        taken
    }

    /// Nodes up to `{end}` of the range of this depth, or, at depth 0, to the end.
    fn nodes(&mut self, depth: usize) -> Result<Vec<Node>, TemplateError> {
        let mut nodes = vec![];
        loop {
            let text = self.while_(|c| c != '{').to_owned();
            if !text.is_empty() {
                nodes.push(Node::Text(text));
            }
            if self.text.rest.is_empty() {
                return if depth == 0 { Ok(nodes) } else { self.text.fail("`{end}` is missing") };
            }
            self.expect("{")?;
            loop {
                self.text.blanks();
                if self.text.take("}") {
                    break;
                }
                if self.word("end") {
                    self.text.blanks();
                    self.expect("}")?;
                    return if depth > 0 { Ok(nodes) } else { self.text.fail("`{end}` without `{range}`") };
                }
                if self.word("range") {
                    if depth >= DEPTH {
                        return self.text.fail("nested too deeply");
                    }
                    self.text.blanks();
                    let path = self.path(0)?;
                    self.text.blanks();
                    self.expect("}")?;
                    nodes.push(Node::Range(path, self.nodes(depth + 1)?));
                    break;
                }
                nodes.push(self.expression()?);
            }
        }
    }

    /// Goes past a keyword, which no letter follows.
    fn word(&mut self, word: &str) -> bool {
        let follows = self.text.rest.strip_prefix(word).and_then(|rest| rest.chars().next());
        follows.is_some_and(|c| !c.is_alphanumeric()) && self.text.take(word)
    }

    fn expression(&mut self) -> Result<Node, TemplateError> {
        if self.text.rest.starts_with(['"', '\'']) {
            return self.text.string().map(Node::Text);
        }
        if self.text.rest.starts_with(['.', '[', '$', '@']) {
            return self.path(0).map(Node::Path);
        }
        self.text.fail("a path such as `.items[*]`, or a string in quotes, is expected")
    }

    /// Steps; `$` and `@` both are the current object.
    fn path(&mut self, depth: usize) -> Result<Vec<Step>, TemplateError> {
        let mut steps = vec![];
        let _ = self.text.take("$") || self.text.take("@");
        loop {
            if self.text.take("..") {
                steps.push(Step::Descend);
                if !self.text.rest.starts_with('[') {
                    steps.push(self.name()?);
                }
            } else if self.text.take(".") {
                // `.` alone is the object itself, and `.[` an element of it.
                if self.text.rest.starts_with(|c: char| !c.is_whitespace() && !"[}),]".contains(c)) {
                    steps.push(self.name()?);
                }
            } else if self.text.take("[") {
                steps.push(self.brackets(depth)?);
            } else {
                return Ok(steps);
            }
        }
    }

    /// A field's name, in which a backslash takes the next character as it is.
    fn name(&mut self) -> Result<Step, TemplateError> {
        if self.text.take("*") {
            return Ok(Step::All);
        }
        let mut name = String::new();
        loop {
            name.push_str(self.while_(|c| !c.is_whitespace() && !".[]{}()<>=!,\\\"'".contains(c)));
            if !self.text.take("\\") {
                break;
            }
            let mut chars = self.text.rest.chars();
            name.extend(chars.next());
            self.text.rest = chars.as_str();
        }
        if name.is_empty() { self.text.fail("a name is expected") } else { Ok(Step::Field(name)) }
    }

    /// What stands in brackets.
    fn brackets(&mut self, depth: usize) -> Result<Step, TemplateError> {
        self.text.blanks();
        if self.text.take("*") {
            self.expect("]")?;
            return Ok(Step::All);
        }
        if self.text.take("?(") {
            let filter = self.filter(depth)?;
            self.expect(")")?;
            self.expect("]")?;
            return Ok(filter);
        }
        let mut steps = vec![];
        loop {
            self.text.blanks();
            steps.push(if self.text.rest.starts_with(['"', '\'']) {
                Step::Field(self.text.string()?)
            } else {
                self.slice()?
            });
            self.text.blanks();
            if !self.text.take(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(if steps.len() == 1 { steps.remove(0) } else { Step::Union(steps) })
    }

    fn slice(&mut self) -> Result<Step, TemplateError> {
        let start = self.number()?;
        if !self.text.take(":") {
            return match start {
                Some(_) => Ok(Step::Slice { start, end: None, step: None, single: true }),
                None => self.text.fail("an index, `*`, a name in quotes or a filter is expected"),
            };
        }
        let end = self.number()?;
        let step = if self.text.take(":") { self.number()? } else { None };
        Ok(Step::Slice { start, end, step, single: false })
    }

    fn number(&mut self) -> Result<Option<i64>, TemplateError> {
        let digits = self.while_(|c| c == '-' || c.is_ascii_digit()).to_owned();
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().map(Some).or_else(|_| self.text.fail("a number is expected"))
    }

    fn filter(&mut self, depth: usize) -> Result<Step, TemplateError> {
        if depth >= DEPTH {
            return self.text.fail("nested too deeply");
        }
        self.text.blanks();
        let left = self.operand(depth + 1)?;
        self.text.blanks();
        let comparisons = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let Some((_, comparison)) = comparisons.into_iter().find(|(token, _)| self.text.take(token)) else {
            return Ok(Step::Filter(left, None));
        };
        self.text.blanks();
        let right = self.operand(depth + 1)?;
        self.text.blanks();
        Ok(Step::Filter(left, Some((comparison, right))))
    }

    fn operand(&mut self, depth: usize) -> Result<Operand, TemplateError> {
        if self.text.rest.starts_with(['.', '[', '$', '@']) {
            return self.path(depth).map(Operand::Path);
        }
        if self.text.rest.starts_with(['"', '\'']) {
            return self.text.string().map(|text| Operand::Value(Value::String(text)));
        }
        let word = self.while_(|c| c.is_alphanumeric() || "+-.".contains(c)).to_owned();
        match serde_json::from_str(&word) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Operand::Value(value)),
            _ => self.text.fail("a path, a string in quotes, a number, `true` or `false` is expected"),
        }
    }
}
