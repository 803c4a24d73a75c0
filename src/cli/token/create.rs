//! `token create`.

use clap::Args;

use super::Shared;
use crate::cli::value::{Boolean as _, duration, flat};
use crate::commands::token::create::Request;
use crate::config::duration::GoDuration;
use crate::output::ObjectFormat;

/// Create a token with which nodes may join
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap token create --print-join-command\n  kubestrap token create abcdef.0123456789abcdef --ttl 2h --description 'for rack 7'\n  kubestrap token create --print-join-command --certificate-key $KEY    (joins a control-plane node)"
)]
pub(super) struct Create {
    /// The token [default: a random one]
    #[arg(value_name = "TOKEN")]
    token: Option<String>,
    /// Configuration file whose bootstrapTokens to create
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// With --print-join-command: the key of the uploaded certificates, so that a control-plane node can join
    #[arg(long, value_name = "HEX", hide_default_value = true)]
    certificate_key: Option<String>,
    /// What the token is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Groups that the token authenticates as [default: system:bootstrappers:kubeadm:default-node-token]
    #[arg(long, value_name = "GROUPS")]
    groups: Vec<String>,
    /// Print the command with which a node joins, not the token alone
    #[arg(long, boolean())]
    print_join_command: Option<bool>,
    /// How long the token lives; 0 is for ever [default: 24h0m0s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    ttl: Option<GoDuration>,
    /// What the token can be used for [default: signing,authentication]
    #[arg(long, value_name = "USAGES")]
    usages: Vec<String>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
}

impl Create {
    /// What is asked for.
    pub(super) fn request(&self, shared: &Shared) -> Request {
        Request {
            token: self.token.clone(),
            config: self.config.clone(),
            certificate_key: self.certificate_key.clone(),
            description: self.description.clone(),
            groups: flat(&self.groups),
            print_join_command: self.print_join_command == Some(true),
            ttl: self.ttl,
            usages: flat(&self.usages),
            format: self.output.clone(),
            dry_run: shared.dry_run == Some(true),
            kubeconfig: shared.kubeconfig.clone(),
        }
    }
}
