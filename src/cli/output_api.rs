//! Objects of kubeadm's output API (`output.kubeadm.k8s.io/v1alpha3`), which scripts read.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;

use super::value::Boolean as _;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::yaml;

/// The API group and version.
pub(super) const API_VERSION: &str = "output.kubeadm.k8s.io/v1alpha3";

/// How an object is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ObjectFormat {
    /// For people
    #[default]
    Text,
    /// As JSON
    Json,
    /// As YAML
    Yaml,
}

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

impl ObjectFormat {
    /// `object` in this format; `text` makes the form for people.
    ///
    /// # Errors
    /// When the object can't be written.
    pub(super) fn render<T: Serialize>(
        self,
        object: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Error> {
        match self {
            Self::Text => Ok(text(object)),
            Self::Yaml => yaml::to_string(object).map_err(|e| Error::new(ExitStatus::Failed, e)),
            Self::Json => {
                // kubeadm's indentation.
                let mut json = vec![];
                let formatter = PrettyFormatter::with_indent(b"    ");
                object.serialize(&mut serde_json::Serializer::with_formatter(&mut json, formatter))?;
                Ok(String::from_utf8(json)? + "\n")
            }
        }
    }
}
