//! `diff`.

use clap::Args;

use super::flags::InitFlags;
use super::run::Output;
use crate::commands::init::Request;
use crate::config::ConfigError;

#[derive(Args, Debug)]
#[command(
    about = "Show what init would change on this machine and in its cluster",
    after_help = "Exit codes: 0 nothing would change, 1 something would, 2 it can't be told (usage, configuration, a file or object that can't be read), 3 init would be refused.\n\nWithout a cluster that answers, only files are compared. Files that differ only in YAML style are equal, so it works on what kubeadm wrote. Bootstrap tokens that the configuration does not name are not compared: init creates a new one when the last has expired.\n\nExamples:\n  kubestrap diff --config kubeadm.yaml\n  kubestrap diff --pod-network-cidr 10.244.0.0/16 -o json"
)]
pub(super) struct Diff {
    #[command(flatten)]
    flags: InitFlags,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Diff {
    /// What is asked for.
    ///
    /// # Errors
    /// When flags exclude each other.
    pub(super) fn request(&self) -> Result<Request, ConfigError> {
        self.flags.request()
    }
}
