//! `config`.

mod images;
mod migrate;
mod print;
mod profile;
mod validate;

use clap::{Args, Subcommand};

use super::run::Output;
use crate::commands::config;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::{Format, Printer};

#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Example:\n  kubestrap config print init-defaults > kubeadm.yaml\n  kubestrap config validate --config kubeadm.yaml"
)]
pub(super) struct Config {
    /// Accepted for compatibility with kubeadm; has no effect
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
    Profile(profile::ShowProfile),
    Validate(validate::Validate),
}

impl Config {
    /// What it prints with: the others print nothing but their result.
    pub(super) fn printer(&self) -> Printer {
        match &self.command {
            ConfigCommand::Images(images) if images.is_pull() => Output::Text.printer(),
            _ => Printer::new(Format::Text),
        }
    }

    /// Runs the command that was named.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        match &self.command {
            ConfigCommand::Images(images) => images.run(out),
            ConfigCommand::Migrate(migrate) => {
                config::migrate::run(&migrate.old_config, migrate.new_config.as_deref(), out)
            }
            ConfigCommand::Print(print) => config::print::run(&print.what(), out),
            ConfigCommand::Profile(profile) => config::profile::run(profile.name, profile.table, out),
            ConfigCommand::Validate(validate) => config::validate::run(&validate.request(), out),
        }
    }
}
