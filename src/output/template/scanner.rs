//! The text of a template that is still to be read.

use super::error::TemplateError;
use super::unquote::literal;

/// The text from where it is read next.
pub(super) struct Scanner<'a> {
    /// That text.
    pub(super) rest: &'a str,
}

impl Scanner<'_> {
    /// The error that says what is wrong here.
    pub(super) fn fail<T>(&self, why: &str) -> Result<T, TemplateError> {
        Err(TemplateError::syntax(self.rest, why))
    }

    /// Goes past `token`, if it is next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Goes past blanks.
    pub(super) fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Goes past a string in quotes, and gives its content.
    pub(super) fn string(&mut self) -> Result<String, TemplateError> {
        let (text, rest) = literal(self.rest)?;
        self.rest = rest;
        Ok(text)
    }
}
