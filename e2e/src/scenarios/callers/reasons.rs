//! What differs on purpose, each with its reason.

use std::collections::BTreeSet;

use super::lines::Line;

/// A difference that is meant.
struct Row {
    /// A part of the command line.
    line: &'static str,
    /// A part of what the comparison says.
    difference: &'static str,
    /// Why it harms nobody, or is better.
    reason: &'static str,
}

const ROWS: &[Row] = &[];

/// The row that excuses a difference.
pub(super) fn find(line: &Line, difference: &str) -> Option<usize> {
    ROWS.iter().position(|row| line.line.contains(row.line) && difference.contains(row.difference))
}

/// The reasons that no difference needed.
pub(super) fn unused(used: &BTreeSet<usize>) -> Vec<&'static str> {
    ROWS.iter().enumerate().filter(|(number, _)| !used.contains(number)).map(|(_, row)| row.reason).collect()
}
