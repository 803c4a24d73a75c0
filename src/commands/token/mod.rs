//! `token`: the bootstrap tokens of a cluster.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use std::time::Duration;

use crate::config::token;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// For how long requests that fail are repeated: an API server that restarts is back by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prints a new token, and creates nothing.
///
/// # Errors
/// When none can be generated.
pub(crate) fn generate(out: &Printer) -> Result<ExitStatus, Error> {
    out.data(&format!("{}\n", token::generate()?));
    Ok(ExitStatus::Done)
}
