//! `config migrate`.

use std::path::PathBuf;

use clap::Args;

use super::super::value::Boolean as _;
use super::{read, warn, wrong};
use crate::config::{self, Migration};
use crate::error::Error;
use crate::host::{FileMode, write_atomically};
use crate::output::{Format, Printer};
use crate::yaml;

/// Rewrite a configuration file in today's API version, with every default written out
///
/// Every kind is migrated; kubelet's and kube-proxy's configurations are kept as they are. Nothing is taken from this
/// machine. Comments are not kept. What changed is told on standard error.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap config migrate --old-config old.yaml --new-config new.yaml")]
pub(super) struct Migrate {
    /// The file to migrate; `-` reads standard input
    #[arg(long, value_name = "FILE", required = true)]
    old_config: String,
    /// Where to write the result (default: standard output)
    #[arg(long, value_name = "FILE")]
    new_config: Option<PathBuf>,
    /// Accepted for kubeadm's sake: there is no experimental API version
    #[arg(long, boolean())]
    allow_experimental_api: Option<bool>,
}

impl Migrate {
    /// Migrates it.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let Migration { documents, changes, warnings } =
            config::migrate(&self.old_config, &read(&self.old_config)?).map_err(wrong)?;
        // That the API version is deprecated is why this command runs.
        warn(&out, warnings.iter().filter(|w| !w.deprecation));
        let documents = documents.iter().map(yaml::to_string).collect::<Result<Vec<_>, _>>()?;
        let text = documents.join("---\n");
        match &self.new_config {
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
        Ok(())
    }
}
