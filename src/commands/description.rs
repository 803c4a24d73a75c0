//! `completion` and `manual`: what describes the command line itself. The command line renders it; here it goes where it
//! was asked for.

use std::path::Path;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, write_atomically};
use crate::output::Printer;

/// A manual page.
pub(crate) struct Page {
    /// The file's name.
    pub(crate) name: String,
    /// In roff.
    pub(crate) text: Vec<u8>,
}

/// Prints a completion script.
///
/// # Errors
/// When it is not text.
pub(crate) fn completion(script: Vec<u8>, out: &Printer) -> Result<ExitStatus, Error> {
    out.data(&String::from_utf8(script)?);
    Ok(ExitStatus::Done)
}

/// Writes manual pages to a directory.
///
/// # Errors
/// When one can't be written.
pub(crate) fn manual(pages: &[Page], dir: &Path) -> Result<ExitStatus, Error> {
    for page in pages {
        write_atomically(&dir.join(&page.name), &page.text, FileMode::CERTIFICATE)?;
    }
    Ok(ExitStatus::Done)
}
