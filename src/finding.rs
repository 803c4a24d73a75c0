//! What a check or a diagnosis has found: a sentence, what it rests on, why it is so and what to do.

use serde::Serialize;

use crate::host;

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

    /// With the commands of the init system called `init` in its advice.
    #[must_use]
    pub(crate) fn in_words_of(mut self, init: Option<&str>) -> Self {
        for text in [&mut self.cause, &mut self.fix].into_iter().flatten() {
            *text = host::in_words_of(init, text);
        }
        self
    }
}

/// `template` with each `{name}` that `value` knows replaced; others stay as they are.
pub(crate) fn fill(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}').and_then(|(name, tail)| Some((value(name)?, tail))) {
            Some((value, tail)) => {
                text.push_str(&value);
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_and_unknown_names_stay() {
        let value = |name: &str| (name == "a").then(|| "1".to_owned());
        assert_eq!(fill("{a} {b} {a", &value), "1 {b} {a");
        assert_eq!(fill("{{a}}", &value), "{1}");
    }
}
