//! Asking before what can't be undone by itself.

use std::io::IsTerminal;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::{Answer, Printer};

/// Shows what is about to happen and asks whether to proceed; `flag` skips the question.
///
/// # Errors
/// When the answer is not yes.
pub(super) fn confirm(out: &Printer, area: &str, what: &str, flag: &str) -> Result<(), Error> {
    if is_confirmed(out, area, what, flag) {
        return Ok(());
    }
    Err(Error::new(
        ExitStatus::Failed,
        format!("not confirmed; nothing was changed\n  fix: answer `y`, or give {flag}"),
    ))
}

/// Shows what is about to happen and asks whether to proceed: whether the answer is yes.
pub(super) fn is_confirmed(out: &Printer, area: &str, what: &str, flag: &str) -> bool {
    out.log(area, format!("WARNING: {what}"));
    out.log(area, "Are you sure you want to proceed? [y/N]:");
    if !std::io::stdin().is_terminal() {
        out.log(area, format!("(reading the answer from standard input; {flag} skips this question)"));
    }
    Answer::read() == Answer::Yes
}
