//! `config profile`.

use crate::config::Profile;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Prints a profile's documents, or its table.
///
/// # Errors
/// None so far.
pub(crate) fn run(profile: Profile, table: bool, out: &Printer) -> Result<ExitStatus, Error> {
    if table {
        out.data(profile.table());
    } else {
        out.data(&profile.documents());
    }
    Ok(ExitStatus::Done)
}
