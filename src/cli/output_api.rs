//! Objects of kubeadm's output API (`output.kubeadm.k8s.io/v1alpha3`), which scripts read.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::ser::PrettyFormatter;

use crate::phases::{Failure, PhaseError};
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

impl ObjectFormat {
    /// `object` in this format; `text` makes the form for people.
    ///
    /// # Errors
    /// When the object can't be written.
    pub(super) fn render<T: Serialize>(
        self,
        object: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, PhaseError> {
        match self {
            Self::Text => Ok(text(object)),
            Self::Yaml => yaml::to_string(object).map_err(|e| PhaseError::new(Failure::Failed, e)),
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
