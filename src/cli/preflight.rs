//! `preflight`.

use clap::Args;

use super::flags::InitFlags;
use super::run::Output;
use super::value::Boolean as _;
use crate::commands::init::Request;
use crate::config::ConfigError;

#[derive(Args, Debug)]
#[command(
    about = "Check whether this machine can become a control-plane node (no changes without --fix)",
    after_help = "Examples:\n  kubestrap preflight --config kubeadm.yaml\n  kubestrap preflight --fix"
)]
pub(super) struct Preflight {
    #[command(flatten)]
    flags: InitFlags,
    /// Fix what is safe to fix: kernel modules and settings, swap
    #[arg(long, boolean())]
    fix: Option<bool>,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Preflight {
    /// What is asked for, and whether to fix what is safe to fix.
    ///
    /// # Errors
    /// When flags exclude each other.
    pub(super) fn request(&self) -> Result<(Request, bool), ConfigError> {
        Ok((self.flags.request()?, self.fix == Some(true)))
    }
}
