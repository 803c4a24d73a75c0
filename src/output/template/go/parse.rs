//! Reads a template.

use serde_json::Value;

use super::super::error::TemplateError;
use super::super::scanner::Scanner;
use super::functions::FUNCTIONS;
use super::{Expression, Node};

/// How deep blocks and parentheses may be nested: more than any template needs, and no more than the stack bears.
const DEPTH: usize = 32;

/// The nodes of a template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser { text: Scanner { rest: text }, variables: vec![] };
    match parser.nodes(0)? {
        (nodes, Stop::Text) => Ok(nodes),
        (_, Stop::Else | Stop::End) => parser.text.fail("`else` or `end` without `if`, `range` or `with`"),
    }
}

/// What ends a list of nodes.
enum Stop {
    Text,
    Else,
    End,
}

struct Parser<'a> {
    text: Scanner<'a>,
    /// The variables that are known here.
    variables: Vec<String>,
}

impl Parser<'_> {
    fn name(&mut self) -> String {
        let end =
            self.text.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.text.rest.len());
        let (name, rest) = self.text.rest.split_at(end);
        self.text.rest = rest;
        name.to_owned()
    }

    /// Goes past a keyword, which no letter follows.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.text.rest.strip_prefix(word);
        let ends = rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        ends && self.text.take(word)
    }

    /// Goes past the begin of an action, if one is left, and gives the text before it.
    fn text(&mut self) -> (String, bool) {
        let Some((text, rest)) = self.text.rest.split_once("{{") else {
            return (std::mem::take(&mut self.text.rest).to_owned(), false);
        };
        self.text.rest = rest;
        let trims = rest.starts_with("- ") && self.text.take("-");
        self.text.blanks();
        (if trims { text.trim_end() } else { text }.to_owned(), true)
    }

    fn close(&mut self) -> Result<(), TemplateError> {
        let blank = self.text.rest.starts_with(char::is_whitespace);
        self.text.blanks();
        if blank && self.text.take("-}}") {
            self.text.blanks();
            return Ok(());
        }
        if self.text.take("}}") { Ok(()) } else { self.text.fail("`}}` is expected") }
    }

    fn nodes(&mut self, depth: usize) -> Result<(Vec<Node>, Stop), TemplateError> {
        if depth > DEPTH {
            return self.text.fail("nested too deeply");
        }
        let mut nodes = vec![];
        loop {
            let (text, action) = self.text();
            if !text.is_empty() {
                nodes.push(Node::Text(text));
            }
            if !action {
                return Ok((nodes, Stop::Text));
            }
            if self.text.take("/*") {
                let Some((_, rest)) = self.text.rest.split_once("*/") else {
                    return self.text.fail("a comment has no end");
                };
                self.text.rest = rest;
                self.close()?;
            } else if self.word("end") {
                self.close()?;
                return Ok((nodes, Stop::End));
            } else if self.word("else") {
                return Ok((nodes, Stop::Else));
            } else {
                let known = self.variables.len();
                let block = ["if", "range", "with"].into_iter().find(|word| self.word(word));
                match block {
                    Some("if") => nodes.push(self.condition(depth)?),
                    Some("range") => nodes.push(self.range(depth)?),
                    Some(_) => nodes.push(self.with(depth)?),
                    None => nodes.push(self.print()?),
                }
                if block.is_some() {
                    self.variables.truncate(known);
                }
            }
        }
    }

    /// The nodes up to `end`, and those after `else`.
    fn block(&mut self, depth: usize) -> Result<(Vec<Node>, Vec<Node>), TemplateError> {
        self.close()?;
        let (nodes, end) = self.nodes(depth + 1)?;
        match end {
            Stop::End => Ok((nodes, vec![])),
            Stop::Else => {
                self.close()?;
                match self.nodes(depth + 1)? {
                    (otherwise, Stop::End) => Ok((nodes, otherwise)),
                    _ => self.text.fail("`end` is missing"),
                }
            }
            Stop::Text => self.text.fail("`end` is missing"),
        }
    }

    fn condition(&mut self, depth: usize) -> Result<Node, TemplateError> {
        let mut branches = vec![];
        loop {
            let condition = self.pipeline(0)?;
            self.close()?;
            let (nodes, end) = self.nodes(depth + 1)?;
            branches.push((condition, nodes));
            match end {
                Stop::End => return Ok(Node::If(branches, vec![])),
                Stop::Text => return self.text.fail("`end` is missing"),
                Stop::Else => {}
            }
            self.text.blanks();
            if self.word("if") {
                continue;
            }
            self.close()?;
            return match self.nodes(depth + 1)? {
                (otherwise, Stop::End) => Ok(Node::If(branches, otherwise)),
                _ => self.text.fail("`end` is missing"),
            };
        }
    }

    fn range(&mut self, depth: usize) -> Result<Node, TemplateError> {
        let mut names = self.declared()?;
        let of = self.pipeline(0)?;
        self.variables.extend(names.iter().cloned());
        let (nodes, otherwise) = self.block(depth)?;
        let element = names.pop();
        Ok(Node::Range { key: names.pop(), element, of, nodes, otherwise })
    }

    fn with(&mut self, depth: usize) -> Result<Node, TemplateError> {
        let name = self.declared()?.pop();
        let value = self.pipeline(0)?;
        self.variables.extend(name.clone());
        let (nodes, otherwise) = self.block(depth)?;
        Ok(Node::With { name, value, nodes, otherwise })
    }

    /// The variables before `:=`, if that follows.
    fn declared(&mut self) -> Result<Vec<String>, TemplateError> {
        self.text.blanks();
        let before = self.text.rest;
        let mut names = vec![];
        while self.text.take("$") {
            names.push(self.name());
            self.text.blanks();
            if self.text.take(":=") {
                return if names.len() <= 2 { Ok(names) } else { self.text.fail("too many variables") };
            }
            if !self.text.take(",") {
                break;
            }
            self.text.blanks();
        }
        self.text.rest = before;
        Ok(vec![])
    }

    fn print(&mut self) -> Result<Node, TemplateError> {
        let before = self.text.rest;
        if self.text.take("$") {
            let name = self.name();
            self.text.blanks();
            let new = self.text.take(":=");
            if !name.is_empty() && (new || (self.text.rest.starts_with('=') && self.text.take("="))) {
                if !new && !self.variables.contains(&name) {
                    return self.text.fail(&format!("undefined variable ${name}"));
                }
                let value = self.pipeline(0)?;
                self.close()?;
                self.variables.push(name.clone());
                return Ok(Node::Assign { name, new, value });
            }
            self.text.rest = before;
        }
        let value = self.pipeline(0)?;
        self.close()?;
        Ok(Node::Print(value))
    }

    /// Commands with `|` between: the value of each is the last argument of the next.
    fn pipeline(&mut self, depth: usize) -> Result<Expression, TemplateError> {
        let mut value = self.command(depth, None)?;
        loop {
            let before = self.text.rest;
            self.text.blanks();
            if !self.text.take("|") {
                self.text.rest = before;
                return Ok(value);
            }
            value = self.command(depth, Some(value))?;
        }
    }

    /// A function with its arguments, or a value.
    fn command(&mut self, depth: usize, last: Option<Expression>) -> Result<Expression, TemplateError> {
        self.text.blanks();
        let before = self.text.rest;
        let name = self.name();
        if !FUNCTIONS.contains(&name.as_str()) {
            self.text.rest = before;
            return match (self.operand(depth)?, last) {
                (Some(value), None) => Ok(value),
                (Some(_), Some(_)) => self.text.fail("a function is expected after `|`"),
                (None, _) if name.is_empty() => self.text.fail("a value is expected"),
                (None, _) => self.text.fail("this is not supported"),
            };
        }
        let mut arguments = vec![];
        loop {
            let before = self.text.rest;
            self.text.blanks();
            match self.operand(depth)? {
                Some(argument) => arguments.push(argument),
                None => {
                    self.text.rest = before;
                    arguments.extend(last);
                    return Ok(Expression::Call(name, arguments));
                }
            }
        }
    }

    /// A value with the fields that are taken of it; none if something else follows.
    fn operand(&mut self, depth: usize) -> Result<Option<Expression>, TemplateError> {
        let mut value = if self.text.take("(") {
            if depth >= DEPTH {
                return self.text.fail("nested too deeply");
            }
            let value = self.pipeline(depth + 1)?;
            self.text.blanks();
            if !self.text.take(")") {
                return self.text.fail("`)` is expected");
            }
            value
        } else if self.text.rest.starts_with(['"', '`']) {
            Expression::Value(Value::String(self.text.string()?))
        } else if self.text.take("$") {
            let name = self.name();
            if !name.is_empty() && !self.variables.contains(&name) {
                return self.text.fail(&format!("undefined variable ${name}"));
            }
            Expression::Variable(name)
        } else if self.text.rest.starts_with('.') {
            if self
                .text
                .rest
                .strip_prefix('.')
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            {
                self.text.take(".");
            }
            Expression::Current
        } else if self.text.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            match self.number() {
                Some(number) => Expression::Value(number),
                None => return Ok(None),
            }
        } else if let Some(value) = self.constant() {
            Expression::Value(value)
        } else {
            return Ok(None);
        };
        while self
            .text
            .rest
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        {
            self.text.take(".");
            value = Expression::Field(Box::new(value), self.name());
        }
        Ok(Some(value))
    }

    fn constant(&mut self) -> Option<Value> {
        let constants = [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("nil", Value::Null)];
        constants.into_iter().find(|(word, _)| self.word(word)).map(|(_, value)| value)
    }

    fn number(&mut self) -> Option<Value> {
        let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.');
        let end = self.text.rest.find(|c| !is_of_number(c)).unwrap_or(self.text.rest.len());
        let (number, rest) = self.text.rest.split_at(end);
        let number = serde_json::from_str(number).ok()?;
        self.text.rest = rest;
        Some(number)
    }
}
