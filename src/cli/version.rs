//! `version`.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::commands::version::Form;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kubestrap version -o short\n  kubestrap version -o json")]
pub(super) struct Version {
    /// Output format
    #[arg(short, long, value_enum)]
    pub(super) output: Option<Form>,
}

impl ValueEnum for Form {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Short, Self::Json, Self::Yaml]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Short => PossibleValue::new("short").help("The version alone"),
            Self::Json => PossibleValue::new("json").help("As JSON"),
            Self::Yaml => PossibleValue::new("yaml").help("As YAML"),
        })
    }
}
