//! What a check or a diagnosis has found: a sentence, what it rests on, why it is so and what to do.

use serde::Serialize;

/// How bad a finding is; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Good to know.
    Info,
    /// It may do harm later.
    Warning,
    /// A control plane won't come up, or something would be lost.
    Error,
}

/// What a check has found: a sentence, what it rests on, why it is so and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The name of the check, as `--ignore-preflight-errors` takes it, or of the rule that found it.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What was measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Why it is so, or what comes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The command or edit that puts it right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// An error. The runner fills in the check's name.
    pub(crate) fn error(what: impl Into<String>) -> Self {
        Self {
            check: String::new(),
            severity: Severity::Error,
            what: what.into(),
            evidence: vec![],
            cause: None,
            fix: None,
        }
    }

    /// A warning.
    pub(crate) fn warning(what: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(what) }
    }

    /// Something good to know.
    pub(crate) fn info(what: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(what) }
    }

    /// With a line of evidence.
    #[must_use]
    pub(crate) fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// With lines of evidence.
    #[must_use]
    pub(crate) fn evidences(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }

    /// With its cause.
    #[must_use]
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With what to do.
    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
