//! `upgrade` and the commands below it.

mod apply;
mod diff;
mod node;
mod plan;

use clap::{Args, Subcommand};

use super::value::flat;
use crate::commands::upgrade::Request;
use crate::config::{self, ConfigError};

pub(super) use apply::Apply;
pub(super) use node::Node;

/// Upgrade your cluster smoothly to a newer version with this command
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(
    about = "Upgrade a cluster to another Kubernetes version",
    after_help = "Examples:\n  kubestrap upgrade plan\n  kubestrap upgrade diff v1.36.2\n  kubestrap upgrade apply v1.36.2\n  kubestrap upgrade node"
)]
pub(super) struct Upgrade {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub(super) enum Command {
    /// Show which versions the cluster can be upgraded to, and what would go wrong
    Plan(plan::Plan),
    /// Show what an upgrade would change on this node and in the cluster
    Diff(diff::Diff),
    /// Upgrade this control-plane node, and the cluster's configuration and addons, to a version
    Apply(Box<Apply>),
    /// Upgrade a further control-plane node, or a worker, to the version of the cluster
    Node(Box<Node>),
}

/// Refuses those of the flags that are given beside `--config`.
fn check_mixed(config: Option<&String>, given: &[(bool, &str)]) -> Result<(), ConfigError> {
    let Some(file) = config else { return Ok(()) };
    let mixed: Vec<&str> = given.iter().filter(|(given, _)| *given).map(|(_, flag)| *flag).collect();
    config::check_mixed(file, &mixed)
}

/// A request with what every command has.
fn request(config: Option<&String>, kubeconfig: Option<&std::path::PathBuf>, ignored: &[String]) -> Request {
    Request {
        config: config.cloned(),
        kubeconfig: kubeconfig.cloned(),
        ignore_preflight_errors: flat(ignored),
        ..Request::default()
    }
}
