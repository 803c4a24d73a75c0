//! Objects that are printed for people, as JSON or YAML, or through a template of the caller's.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::PrettyFormatter;

use super::template::{GoTemplate, JsonPath, TemplateError, kyaml};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::yaml;

/// The API group and version of kubeadm's output objects, which scripts read.
pub(crate) const API_VERSION: &str = "output.kubeadm.k8s.io/v1alpha3";

/// The formats, as an error names them.
const FORMATS: &str = "text, json, yaml, kyaml, jsonpath=TEMPLATE, jsonpath-as-json=TEMPLATE, jsonpath-file=FILE, go-template=TEMPLATE, go-template-file=FILE";

/// How an object is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ObjectFormat {
    /// For people.
    #[default]
    Text,
    /// As JSON.
    Json,
    /// As YAML.
    Yaml,
    /// As YAML with braces and quotes.
    Kyaml,
    /// Through a template.
    Template(Template),
}

/// A template that an object is printed through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    language: Language,
    /// Its text, or the name of the file that it is in.
    text: String,
    in_file: bool,
    /// A field that is not there prints nothing, and is no error.
    allow_missing: bool,
}

/// The language of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    /// kubectl's JSONPath.
    JsonPath,
    /// The same, which prints lists as JSON.
    JsonPathAsJson,
    /// Go's `text/template`.
    Go,
}

impl FromStr for ObjectFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, template) = text.split_once('=').unwrap_or((text, ""));
        let (language, in_file) = match name.to_lowercase().as_str() {
            "text" => return Ok(Self::Text),
            "json" => return Ok(Self::Json),
            "yaml" => return Ok(Self::Yaml),
            "kyaml" => return Ok(Self::Kyaml),
            "jsonpath" => (Language::JsonPath, false),
            "jsonpath-as-json" => (Language::JsonPathAsJson, false),
            "jsonpath-file" => (Language::JsonPath, true),
            "go-template" | "template" => (Language::Go, false),
            "go-template-file" | "templatefile" => (Language::Go, true),
            _ => return Err(format!("the formats are {FORMATS}")),
        };
        if template.is_empty() {
            return Err(format!("{name} needs a template: {name}=…"));
        }
        Ok(Self::Template(Template { language, text: template.to_owned(), in_file, allow_missing: true }))
    }
}

impl ObjectFormat {
    /// The same, where a field that a template names and that is not there is an error.
    #[must_use]
    pub(crate) fn without_missing_fields(self) -> Self {
        match self {
            Self::Template(template) => Self::Template(Template { allow_missing: false, ..template }),
            other => other,
        }
    }

    /// `object` in this format; `text` makes the form for people.
    ///
    /// # Errors
    /// When the object can't be written, or the template can't be read or used.
    pub(crate) fn render<T: Serialize>(
        &self,
        object: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Error> {
        match self {
            Self::Text => Ok(text(object)),
            Self::Yaml => Ok(yaml::to_string(object)?),
            Self::Json => json(object),
            Self::Kyaml => Ok(kyaml(&serde_json::to_value(object)?)),
            Self::Template(template) => template.render(&serde_json::to_value(object)?),
        }
    }
}

impl Template {
    fn render(&self, object: &Value) -> Result<String, Error> {
        let text = if self.in_file {
            let read = std::fs::read_to_string(&self.text);
            read.map_err(|e| Error::new(ExitStatus::Usage, format!("--output: {}: {e}", self.text)))?
        } else {
            self.text.clone()
        };
        let refused = |error: TemplateError| {
            let status = match error {
                TemplateError::Syntax { .. } => ExitStatus::Usage,
                _ => ExitStatus::Failed,
            };
            Error::new(status, format!("--output: {error}"))
        };
        let allow_missing = self.allow_missing;
        match self.language {
            Language::JsonPath => {
                JsonPath::parse(&text).and_then(|t| t.render(object, allow_missing)).map_err(refused)
            }
            Language::Go => {
                GoTemplate::parse(&text).and_then(|t| t.render(object, allow_missing)).map_err(refused)
            }
            Language::JsonPathAsJson => {
                let lists = JsonPath::parse(&text).and_then(|t| t.values(object, allow_missing));
                lists.map_err(refused)?.iter().map(json).collect()
            }
        }
    }
}

/// JSON with kubeadm's indentation.
fn json(object: &impl Serialize) -> Result<String, Error> {
    let mut json = vec![];
    let formatter = PrettyFormatter::with_indent(b"    ");
    object.serialize(&mut serde_json::Serializer::with_formatter(&mut json, formatter))?;
    Ok(String::from_utf8(json)? + "\n")
}
