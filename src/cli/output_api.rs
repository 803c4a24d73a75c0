//! How objects of kubeadm's output API (`output.kubeadm.k8s.io/v1alpha3`) are printed.

use clap::Args;

use super::value::Boolean as _;
use crate::output::ObjectFormat;

// kubeadm's flags of what prints objects. No doc comment: clap would take it for the help of the commands that have them.
#[derive(Args, Clone, Debug)]
pub(super) struct PrintFlags {
    /// Output format: text, json, yaml, kyaml, jsonpath=…, jsonpath-as-json=…, jsonpath-file=…, go-template=… or
    /// go-template-file=…
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
    /// Print nothing for a field that a template names and that does not exist [default: true]
    #[arg(long, boolean())]
    allow_missing_template_keys: Option<bool>,
    /// Accepted for compatibility with kubeadm; has no effect: these objects have no managed fields
    #[arg(long, hide = true, boolean())]
    show_managed_fields: Option<bool>,
}

impl PrintFlags {
    /// The format that they ask for.
    pub(super) fn format(&self) -> ObjectFormat {
        match self.allow_missing_template_keys {
            Some(false) => self.output.clone().without_missing_fields(),
            _ => self.output.clone(),
        }
    }
}
