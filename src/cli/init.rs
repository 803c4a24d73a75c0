//! `init` and its phases.

use clap::Args;

use super::flags::InitFlags;
use super::run::Output;
use crate::commands::init::Request;
use crate::config::ConfigError;

#[derive(Args, Debug, Default)]
#[command(
    about = "Set up this machine as the first control-plane node of a cluster",
    after_help = "Examples:\n  kubestrap init --dry-run\n  kubestrap init --pod-network-cidr 10.244.0.0/16\n  kubestrap init --config kubeadm.yaml --upload-certs"
)]
pub(super) struct Init {
    #[command(flatten)]
    flags: InitFlags,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Init {
    /// What is asked for.
    ///
    /// # Errors
    /// When flags exclude each other.
    pub(super) fn request(&self) -> Result<Request, ConfigError> {
        self.flags.request()
    }
}
