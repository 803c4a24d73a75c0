//! `certs renew`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::source::SourceFlags;
use crate::certs::leaves;
use crate::cli::run::Output;
use crate::cli::value::{Boolean as _, duration};
use crate::commands::certs::renew::Request;
use crate::commands::certs::restart::Terms;
use crate::config::duration::GoDuration;

/// Renew certificates: a new key, another year, everything else as it was
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "It then tells which running components still use the old ones; --restart restarts those, one at a time, and waits until each is healthy.\n\nExamples:\n  kubestrap certs renew all --restart\n  kubestrap certs renew apiserver etcd-server\n  kubestrap certs renew --restart    (nothing new; restarts what still uses an old one)"
)]
pub(super) struct Renew {
    /// Certificates to renew, or `all`
    #[arg(value_name = "NAME", value_parser = known_names(&["all"]), required_unless_present = "restart")]
    names: Vec<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// Restart the components that still use an old certificate, one at a time, and wait until each is healthy
    #[arg(long, boolean())]
    restart: Option<bool>,
    /// With --restart: how long each may take to be healthy again
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "4m0s")]
    restart_timeout: GoDuration,
    /// With --restart: the runtime's CRI socket [default: kubelet's]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// The names of certificates, and some more.
pub(super) fn known_names(more: &[&'static str]) -> PossibleValuesParser {
    let leaves = leaves(false).into_iter().map(|m| PossibleValue::new(m.name).help(m.about()));
    PossibleValuesParser::new(leaves.chain(more.iter().map(PossibleValue::new)))
}

impl Renew {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        let restart = Terms { limit: self.restart_timeout.as_std(), cri_socket: self.cri_socket.clone() };
        Request {
            names: self.names.clone(),
            location: self.source.location(),
            restart: (self.restart == Some(true)).then_some(restart),
        }
    }
}
