//! What a component would say about its configuration.

use crate::finding::Severity;

/// A setting that a component refuses, or that does not do what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// An error where the component ends at once, a warning where it goes on.
    pub(crate) severity: Severity,
    /// The preflight check under which it is reported and can be ignored.
    pub(crate) check: &'static str,
    /// The rule, for machines.
    pub(crate) rule: &'static str,
    /// The kind of document that holds the setting.
    pub(crate) kind: &'static str,
    /// The dotted path of the setting in that document.
    pub(crate) path: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
    /// Why it matters, where the message does not say.
    pub(crate) cause: Option<String>,
}

impl Verdict {
    /// What makes a component end at once.
    pub(super) fn error(
        rule: &'static str,
        kind: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            check: "ExtraArgs",
            rule,
            kind,
            path: path.into(),
            message: message.into(),
            cause: None,
        }
    }

    /// As a warning.
    #[must_use]
    pub(super) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Reported under another preflight check.
    #[must_use]
    pub(super) fn under(self, check: &'static str) -> Self {
        Self { check, ..self }
    }

    /// With why it matters.
    #[must_use]
    pub(super) fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}
