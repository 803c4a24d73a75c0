//! `config profile`.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::config::Profile;

/// Print what `init --profile` adds to a configuration, and the files that it makes
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config profile cis\n  kubestrap config profile cis --table\n  kubestrap init --profile cis --config kubeadm.yaml"
)]
pub(super) struct ShowProfile {
    /// The profile
    #[arg(value_enum)]
    pub(super) name: Profile,
    /// Print instead which items of the benchmark are met, and which are not and why (Markdown)
    #[arg(long)]
    pub(super) table: bool,
}

impl ValueEnum for Profile {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Cis]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Cis => PossibleValue::new("cis")
                .help("What the CIS Kubernetes Benchmark asks and kubeadm leaves out"),
        })
    }
}
