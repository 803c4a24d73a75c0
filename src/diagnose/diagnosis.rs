//! A cause that was found.

use super::evidence::ComponentEvidence;
use super::rule::Proof;
use crate::finding::Finding;
use crate::manifest::Component;

/// How many of a container's last words a finding shows.
const LAST_WORDS: usize = 6;
/// How long a line of evidence may be.
const LONGEST: usize = 400;

/// A cause that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// What it is, what shows it, and what to do.
    pub finding: Finding,
    /// What it proves.
    pub proof: Proof,
    /// The component it is about; none for kubelet, the runtime and the machine.
    pub subject: Option<Component>,
}

impl Diagnosis {
    /// What makes it the same when it is seen again.
    pub(super) fn key(&self) -> String {
        format!("{} {:?} {}", self.finding.check, self.subject, self.finding.what)
    }
}

/// A log line as it was meant: quotes within quotes are escaped, once or twice.
pub(super) fn plain(line: &str) -> String {
    line.replace("\\\\", "\\").replace("\\\\", "\\").replace("\\\"", "\"").replace("\\\"", "\"")
}

/// How a component's container ended, and its last words, but for what was said already.
pub(super) fn last_words(component: &ComponentEvidence, said: &str) -> Vec<String> {
    let mut lines = vec![];
    if let Some(code) = component.exit_code {
        let reason = Some(component.reason.as_str()).filter(|r| !r.is_empty() && *r != "Error");
        let reason = reason.map(|r| format!(", {}", shortened(r))).unwrap_or_default();
        let starts = component.starts;
        lines.push(format!("it exited with code {code}{reason}; starts so far: {starts}"));
    }
    let words: Vec<String> =
        component.log.iter().map(|l| plain(l)).filter(|l| !l.trim().is_empty() && l != said).collect();
    let from = words.len().saturating_sub(LAST_WORDS);
    lines.extend(words.into_iter().skip(from).map(|l| shortened(&l)));
    lines
}

pub(super) fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    }
}
