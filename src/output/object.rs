//! Objects that are printed for people, or as JSON or YAML.

use serde::Serialize;
use serde_json::ser::PrettyFormatter;

use crate::error::Error;
use crate::yaml;

/// The API group and version of kubeadm's output objects, which scripts read.
pub(crate) const API_VERSION: &str = "output.kubeadm.k8s.io/v1alpha3";

/// How an object is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ObjectFormat {
    /// For people.
    #[default]
    Text,
    /// As JSON.
    Json,
    /// As YAML.
    Yaml,
}

impl ObjectFormat {
    /// `object` in this format; `text` makes the form for people.
    ///
    /// # Errors
    /// When the object can't be written.
    pub(crate) fn render<T: Serialize>(
        self,
        object: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Error> {
        match self {
            Self::Text => Ok(text(object)),
            Self::Yaml => Ok(yaml::to_string(object)?),
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
