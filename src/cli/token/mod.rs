//! `token`.

mod create;
mod delete;
mod list;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::value::Boolean as _;
use crate::commands::token;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap token create --print-join-command\n  kubestrap token list\n  kubestrap token delete abcdef"
)]
pub(super) struct Token {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

// Flags of every command here. No doc comment: clap would take it for the help of the commands that have them.
#[derive(Args, Clone, Debug)]
struct Shared {
    /// Print what would be done, without changing anything
    #[arg(long, global = true, boolean())]
    dry_run: Option<bool>,
    /// Kubeconfig to reach the cluster with [default: $KUBECONFIG, ~/.kube/config or /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum Command {
    Create(Box<create::Create>),
    Delete(delete::Delete),
    /// Print a new token, and create nothing
    #[command(after_help = "Example:\n  kubestrap token generate")]
    Generate,
    List(list::List),
}

impl Token {
    /// Runs the command that was named.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        match &self.command {
            Command::Create(command) => token::create::run(&command.request(&self.shared), out),
            Command::Delete(command) => token::delete::run(&command.request(&self.shared), out),
            Command::List(command) => {
                token::list::run(self.shared.kubeconfig.as_deref(), &command.print.format(), out)
            }
            Command::Generate => token::generate(out),
        }
    }
}
