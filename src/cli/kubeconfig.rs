//! `kubeconfig user`.

use clap::{Args, Subcommand};

use super::value::{duration, flat};
use crate::commands::kubeconfig::Request;
use crate::config::duration::GoDuration;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  kubestrap kubeconfig user --client-name jane --org dev > jane.conf"
)]
pub(super) struct KubeconfigCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    User(User),
}

/// Print a kubeconfig for a user, its key included
#[derive(Args, Debug)]
#[command(
    after_help = "RBAC decides what the user may do, by its name and groups.\n\nExamples:\n  kubestrap kubeconfig user --client-name jane --org dev --org ops > jane.conf\n  kubestrap kubeconfig user --client-name ci --token $TOKEN > ci.conf\n  kubestrap kubeconfig user --client-name guest --validity-period 24h"
)]
struct User {
    /// The user's name: CN of the client certificate
    #[arg(long, value_name = "NAME", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    client_name: String,
    /// Configuration file [default: the cluster behind /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// The user's groups: O of the client certificate
    #[arg(long, value_name = "ORGS")]
    org: Vec<String>,
    /// A token to authenticate with, instead of a client certificate
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// How long the client certificate lasts
    #[arg(long, value_name = "DURATION", default_value = "8760h0m0s", value_parser = duration)]
    validity_period: GoDuration,
}

impl KubeconfigCommand {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        let Command::User(user) = &self.command;
        Request {
            client_name: user.client_name.clone(),
            config: user.config.clone(),
            org: flat(&user.org),
            token: user.token.clone(),
            validity_period: user.validity_period,
        }
    }
}
