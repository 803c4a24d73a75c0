//! `config validate`.

use std::path::Path;

use clap::Args;

use super::super::value::boolean;
use super::{read, warn, wrong};
use crate::config::{self, Complete};
use crate::error::Error;
use crate::output::{Format, Printer};

/// Check a configuration file of any kind, and tell everything that is wrong with it, each with its line and column
///
/// Unknown fields and kinds are errors here. Nothing is asked of this machine or the internet.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap config validate --config kubeadm.yaml")]
pub(super) struct Validate {
    /// The file; `-` reads standard input
    #[arg(long, value_name = "FILE", required = true)]
    config: String,
    /// Do not warn of an API version that is deprecated
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    allow_deprecated_api: Option<bool>,
    /// Accepted for kubeadm's sake: there is no experimental API version
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    allow_experimental_api: Option<bool>,
}

impl Validate {
    /// Checks it.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let complete = config::complete(&self.config, &read(&self.config)?).map_err(wrong)?;
        let quiet = self.allow_deprecated_api == Some(true);
        warn(&out, complete.warnings.iter().filter(|w| !(quiet && w.deprecation)));
        if let Some(file) = missing_discovery_file(&complete) {
            let text = "discovery.file.kubeConfigPath: is not on this machine; a join needs it on its own";
            out.warn("config", format!("{}: {file}: {text}", self.config));
        }
        out.data("ok\n");
        Ok(())
    }
}

/// kubeadm refuses such a file; but what is checked here may be meant for another machine.
fn missing_discovery_file(complete: &Complete) -> Option<&str> {
    let file = &complete.others.join.as_ref()?.discovery.file.as_ref()?.kube_config_path;
    let path = file.strip_prefix("file://").unwrap_or(file);
    (!file.starts_with("https://") && !Path::new(path).exists()).then_some(path)
}
