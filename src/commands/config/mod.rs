//! `config`: kubeadm's configuration files, apart from any run.

pub(crate) mod images;
pub(crate) mod migrate;
pub(crate) mod print;
pub(crate) mod profile;
pub(crate) mod validate;

use super::configuration::read_input;
use crate::config::Warning;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// A configuration's text, by its file's name.
fn read(file: &str) -> Result<String, Error> {
    read_input(file).map_err(|message| Error::new(ExitStatus::Usage, message))
}

fn warn<'a>(out: &Printer, warnings: impl IntoIterator<Item = &'a Warning>) {
    for warning in warnings {
        out.warn("config", warning.problem.to_string());
    }
}
