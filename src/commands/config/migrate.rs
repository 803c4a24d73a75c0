//! `config migrate`.

use std::path::Path;

use super::{read, warn};
use crate::commands::configuration::unusable;
use crate::config::{self, Migration};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, write_atomically};
use crate::output::Printer;
use crate::yaml;

/// Migrates a configuration file; the result goes to `new`, or is printed.
///
/// # Errors
/// When the file can't be read or used, or the result can't be written.
pub(crate) fn run(old: &str, new: Option<&Path>, out: &Printer) -> Result<ExitStatus, Error> {
    let Migration { documents, changes, warnings } =
        config::migrate(old, &read(old)?).map_err(|e| unusable(&e))?;
    // That the API version is deprecated is why this command runs.
    warn(out, warnings.iter().filter(|w| !w.deprecation));
    let documents = documents.iter().map(yaml::to_string).collect::<Result<Vec<_>, _>>()?;
    let text = documents.join("---\n");
    match new {
        // Readable for all, as kubeadm makes it.
        Some(file) => {
            write_atomically(file, text.as_bytes(), FileMode::CERTIFICATE)?;
        }
        None => out.data(&text),
    }
    for change in &changes {
        out.log("config/migrate", change.to_string());
    }
    if changes.is_empty() {
        out.log("config/migrate", "Nothing had to change");
    }
    Ok(ExitStatus::Done)
}
