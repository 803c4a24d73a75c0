//! `config`: kubeadm's configuration files, apart from any run.

mod images;
mod migrate;
mod print;
mod validate;

use clap::{Args, Subcommand};

use crate::commands::configuration::read_input;
use crate::config::{ConfigError, Warning};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Example:\n  kubestrap config print init-defaults > kubeadm.yaml\n  kubestrap config validate --config kubeadm.yaml"
)]
pub(super) struct Config {
    /// Accepted for kubeadm's sake; has no effect
    #[arg(long, value_name = "FILE", global = true, hide = true)]
    kubeconfig: Option<String>,
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    Images(images::Images),
    Migrate(migrate::Migrate),
    Print(print::Print),
    Validate(validate::Validate),
}

impl Config {
    /// Runs what is asked for.
    pub(super) fn run(&self) -> Result<(), Error> {
        match &self.command {
            ConfigCommand::Images(images) => images.run(),
            ConfigCommand::Migrate(migrate) => migrate.run(),
            ConfigCommand::Print(print) => print.run(),
            ConfigCommand::Validate(validate) => validate.run(),
        }
    }
}

/// A configuration's text, by its file's name.
fn read(file: &str) -> Result<String, Error> {
    read_input(file).map_err(|message| Error::new(ExitStatus::Usage, message))
}

/// A configuration that can't be used, as the error of a command.
fn wrong(error: ConfigError) -> Error {
    Error::new(ExitStatus::Usage, format!("the configuration can't be used:\n{error}"))
}

fn warn<'a>(out: &Printer, warnings: impl IntoIterator<Item = &'a Warning>) {
    for warning in warnings {
        out.warn("config", warning.problem.to_string());
    }
}
