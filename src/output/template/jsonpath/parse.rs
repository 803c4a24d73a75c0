//! Reads a template.

use serde_json::Value;

use super::super::error::TemplateError;
use super::super::unquote::literal;
use super::{Comparison, Node, Operand, Step};

/// How deep `{range}` and filters may be nested: more than any template needs, and no more than the stack bears.
const DEPTH: usize = 32;

/// The nodes of a template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser { rest: text };
    parser.nodes(0)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn fail<T>(&self, why: &str) -> Result<T, TemplateError> {
        Err(TemplateError::syntax(self.rest, why))
    }

    /// Goes past `token`, if it is next.
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), TemplateError> {
        if self.take(token) { Ok(()) } else { self.fail(&format!("`{token}` is expected")) }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// The characters up to the first that is not wanted.
    fn while_(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
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
            if self.rest.is_empty() {
                return if depth == 0 { Ok(nodes) } else { self.fail("`{end}` is missing") };
            }
            self.expect("{")?;
            loop {
                self.blanks();
                if self.take("}") {
                    break;
                }
                if self.word("end") {
                    self.blanks();
                    self.expect("}")?;
                    return if depth > 0 { Ok(nodes) } else { self.fail("`{end}` without `{range}`") };
                }
                if self.word("range") {
                    if depth >= DEPTH {
                        return self.fail("nested too deeply");
                    }
                    self.blanks();
                    let path = self.path(0)?;
                    self.blanks();
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
        let follows = self.rest.strip_prefix(word).and_then(|rest| rest.chars().next());
        follows.is_some_and(|c| !c.is_alphanumeric()) && self.take(word)
    }

    fn expression(&mut self) -> Result<Node, TemplateError> {
        if self.rest.starts_with(['"', '\'']) {
            return self.string().map(Node::Text);
        }
        if self.rest.starts_with(['.', '[', '$', '@']) {
            return self.path(0).map(Node::Path);
        }
        self.fail("a path such as `.items[*]`, or a string in quotes, is expected")
    }

    fn string(&mut self) -> Result<String, TemplateError> {
        let (text, rest) = literal(self.rest)?;
        self.rest = rest;
        Ok(text)
    }

    /// Steps; `$` and `@` both are the current object.
    fn path(&mut self, depth: usize) -> Result<Vec<Step>, TemplateError> {
        let mut steps = vec![];
        let _ = self.take("$") || self.take("@");
        loop {
            if self.take("..") {
                steps.push(Step::Descend);
                if !self.rest.starts_with('[') {
                    steps.push(self.name()?);
                }
            } else if self.take(".") {
                // `.` alone is the object itself, and `.[` an element of it.
                if self.rest.starts_with(|c: char| !c.is_whitespace() && !"[}),]".contains(c)) {
                    steps.push(self.name()?);
                }
            } else if self.take("[") {
                steps.push(self.brackets(depth)?);
            } else {
                return Ok(steps);
            }
        }
    }

    /// A field's name, in which a backslash takes the next character as it is.
    fn name(&mut self) -> Result<Step, TemplateError> {
        if self.take("*") {
            return Ok(Step::All);
        }
        let mut name = String::new();
        loop {
            name.push_str(self.while_(|c| !c.is_whitespace() && !".[]{}()<>=!,\\\"'".contains(c)));
            if !self.take("\\") {
                break;
            }
            let mut chars = self.rest.chars();
            name.extend(chars.next());
            self.rest = chars.as_str();
        }
        if name.is_empty() { self.fail("a name is expected") } else { Ok(Step::Field(name)) }
    }

    /// What stands in brackets.
    fn brackets(&mut self, depth: usize) -> Result<Step, TemplateError> {
        self.blanks();
        if self.take("*") {
            self.expect("]")?;
            return Ok(Step::All);
        }
        if self.take("?(") {
            let filter = self.filter(depth)?;
            self.expect(")")?;
            self.expect("]")?;
            return Ok(filter);
        }
        let mut steps = vec![];
        loop {
            self.blanks();
            steps.push(if self.rest.starts_with(['"', '\'']) {
                Step::Field(self.string()?)
            } else {
                self.slice()?
            });
            self.blanks();
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(if steps.len() == 1 { steps.remove(0) } else { Step::Union(steps) })
    }

    fn slice(&mut self) -> Result<Step, TemplateError> {
        let start = self.number()?;
        if !self.take(":") {
            return match start {
                Some(_) => Ok(Step::Slice { start, end: None, step: None, single: true }),
                None => self.fail("an index, `*`, a name in quotes or a filter is expected"),
            };
        }
        let end = self.number()?;
        let step = if self.take(":") { self.number()? } else { None };
        Ok(Step::Slice { start, end, step, single: false })
    }

    fn number(&mut self) -> Result<Option<i64>, TemplateError> {
        let digits = self.while_(|c| c == '-' || c.is_ascii_digit()).to_owned();
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().map(Some).or_else(|_| self.fail("a number is expected"))
    }

    fn filter(&mut self, depth: usize) -> Result<Step, TemplateError> {
        if depth >= DEPTH {
            return self.fail("nested too deeply");
        }
        self.blanks();
        let left = self.operand(depth + 1)?;
        self.blanks();
        let comparisons = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let Some((_, comparison)) = comparisons.into_iter().find(|(token, _)| self.take(token)) else {
            return Ok(Step::Filter(left, None));
        };
        self.blanks();
        let right = self.operand(depth + 1)?;
        self.blanks();
        Ok(Step::Filter(left, Some((comparison, right))))
    }

    fn operand(&mut self, depth: usize) -> Result<Operand, TemplateError> {
        if self.rest.starts_with(['.', '[', '$', '@']) {
            return self.path(depth).map(Operand::Path);
        }
        if self.rest.starts_with(['"', '\'']) {
            return self.string().map(|text| Operand::Value(Value::String(text)));
        }
        let word = self.while_(|c| c.is_alphanumeric() || "+-.".contains(c)).to_owned();
        match serde_json::from_str(&word) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Operand::Value(value)),
            _ => self.fail("a path, a string in quotes, a number, `true` or `false` is expected"),
        }
    }
}
