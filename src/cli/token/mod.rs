//! `token`: the bootstrap tokens of a cluster.

mod create;
mod delete;
mod list;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::value::Boolean as _;
use crate::config::token;
use crate::error::Error;
use crate::output::{Format, Printer};

/// For how long requests that fail are repeated: an API server that restarts is back by then.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// Flags of every command here.
#[derive(Args, Clone, Debug)]
struct Shared {
    /// Only say what would be done
    #[arg(long, global = true, boolean())]
    dry_run: Option<bool>,
    /// Kubeconfig to reach the cluster with (default: $KUBECONFIG, ~/.kube/config or /etc/kubernetes/admin.conf)
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
    pub(super) fn run(&self) -> Result<(), Error> {
        match &self.command {
            Command::Create(command) => command.run(&self.shared),
            Command::Delete(command) => command.run(&self.shared),
            Command::List(command) => command.run(&self.shared),
            Command::Generate => {
                Printer::new(Format::Text).data(&format!("{}\n", token::generate()?));
                Ok(())
            }
        }
    }
}
