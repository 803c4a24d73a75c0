//! Asking before what can't be undone by itself.

use std::io::{BufRead, IsTerminal};

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Shows what is about to happen and asks whether to proceed; `flag` skips the question.
///
/// # Errors
/// When the answer is not yes.
pub(super) fn confirm(out: &Printer, area: &str, what: &str, flag: &str) -> Result<(), Error> {
    out.log(area, format!("WARNING: {what}"));
    out.log(area, "Are you sure you want to proceed? [y/N]:");
    if !std::io::stdin().is_terminal() {
        out.log(area, format!("(reading the answer from standard input; {flag} skips this question)"));
    }
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(
        ExitStatus::Failed,
        format!("not confirmed; nothing was changed\n  fix: answer `y`, or give {flag}"),
    ))
}
