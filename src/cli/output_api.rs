//! How objects of kubeadm's output API (`output.kubeadm.k8s.io/v1alpha3`) are printed.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::value::Boolean as _;
use crate::output::ObjectFormat;

/// kubeadm's flags of what prints objects.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct PrintFlags {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: ObjectFormat,
    /// Accepted for kubeadm's sake; has no effect: nothing is printed by templates
    #[arg(long, hide = true, boolean())]
    allow_missing_template_keys: Option<bool>,
    /// Accepted for kubeadm's sake; has no effect: these objects have no managed fields
    #[arg(long, hide = true, boolean())]
    show_managed_fields: Option<bool>,
}

impl ValueEnum for ObjectFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Text, Self::Json, Self::Yaml]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Text => PossibleValue::new("text").help("For people"),
            Self::Json => PossibleValue::new("json").help("As JSON"),
            Self::Yaml => PossibleValue::new("yaml").help("As YAML"),
        })
    }
}
