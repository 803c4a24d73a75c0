//! Objects of kubeadm's output API (`output.kubeadm.k8s.io/v1alpha3`), which scripts read.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::PrettyFormatter;

use super::value::Boolean as _;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::template::{GoTemplate, JsonPath, TemplateError, kyaml};
use crate::yaml;

/// The API group and version.
pub(super) const API_VERSION: &str = "output.kubeadm.k8s.io/v1alpha3";

/// The formats, as an error names them.
const FORMATS: &str = "text, json, yaml, kyaml, jsonpath=TEMPLATE, jsonpath-as-json=TEMPLATE, jsonpath-file=FILE, go-template=TEMPLATE, go-template-file=FILE";

/// How an object is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum ObjectFormat {
    /// For people
    #[default]
    Text,
    /// As JSON
    Json,
    /// As YAML
    Yaml,
    /// As YAML with braces
    Kyaml,
    /// Through a template
    Template(Language, Template),
}

/// The language of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// kubectl's JSONPath.
    JsonPath,
    /// The same, which prints JSON.
    JsonPathAsJson,
    /// Go's `text/template`.
    Go,
}

/// Where a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Template {
    /// In the flag.
    Text(String),
    /// In a file.
    File(PathBuf),
}

impl FromStr for ObjectFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, template) = match text.split_once('=') {
            Some((name, template)) => (name, Some(template).filter(|template| !template.is_empty())),
            None => (text, None),
        };
        let in_flag = || template.map(|text| Template::Text(text.to_owned()));
        let in_file = || template.map(|file| Template::File(file.into()));
        let (language, template) = match name {
            "text" => return Ok(Self::Text),
            "json" => return Ok(Self::Json),
            "yaml" => return Ok(Self::Yaml),
            "kyaml" => return Ok(Self::Kyaml),
            "jsonpath" => (Language::JsonPath, in_flag()),
            "jsonpath-as-json" => (Language::JsonPathAsJson, in_flag()),
            "jsonpath-file" => (Language::JsonPath, in_file()),
            "go-template" | "template" => (Language::Go, in_flag()),
            "go-template-file" | "templatefile" => (Language::Go, in_file()),
            _ => return Err(format!("the formats are {FORMATS}")),
        };
        match template {
            Some(template) => Ok(Self::Template(language, template)),
            None => Err(format!("{name} needs a template: {name}=…")),
        }
    }
}

/// kubeadm's flags of what prints objects.
#[derive(Args, Clone, Debug)]
pub(super) struct PrintFlags {
    /// How to print it: text, json, yaml, kyaml, jsonpath=…, jsonpath-as-json=…, jsonpath-file=…, go-template=… or
    /// go-template-file=…
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: ObjectFormat,
    /// Print nothing where a template names a field that is not there; otherwise that is an error [default: true]
    #[arg(long, boolean())]
    allow_missing_template_keys: Option<bool>,
    /// Accepted for kubeadm's sake; has no effect: these objects have no managed fields
    #[arg(long, hide = true, boolean())]
    show_managed_fields: Option<bool>,
}

impl PrintFlags {
    /// `object` as the flags say; `text` makes the form for people.
    ///
    /// # Errors
    /// When the object can't be written so.
    pub(super) fn render<T: Serialize>(
        &self,
        object: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Error> {
        self.output.rendered(object, text, self.allow_missing_template_keys != Some(false))
    }
}

impl ObjectFormat {
    /// `object` in this format; `text` makes the form for people.
    ///
    /// # Errors
    /// When the object can't be written.
    pub(super) fn render<T: Serialize>(
        &self,
        object: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Error> {
        self.rendered(object, text, true)
    }

    fn rendered<T: Serialize>(
        &self,
        object: &T,
        text: impl FnOnce(&T) -> String,
        allow_missing: bool,
    ) -> Result<String, Error> {
        match self {
            Self::Text => Ok(text(object)),
            Self::Yaml => yaml::to_string(object).map_err(|e| Error::new(ExitStatus::Failed, e)),
            Self::Json => json(object),
            Self::Kyaml => Ok(kyaml(&serde_json::to_value(object)?)),
            Self::Template(language, template) => {
                let object = serde_json::to_value(object)?;
                language.render(&template.text()?, &object, allow_missing)
            }
        }
    }
}

impl Language {
    fn render(self, template: &str, object: &Value, allow_missing: bool) -> Result<String, Error> {
        let refused = |error: TemplateError| {
            let status = match error {
                TemplateError::Syntax { .. } => ExitStatus::Usage,
                _ => ExitStatus::Failed,
            };
            Error::new(status, format!("--output: {error}"))
        };
        match self {
            Self::JsonPath => {
                JsonPath::parse(template).and_then(|t| t.render(object, allow_missing)).map_err(refused)
            }
            Self::Go => {
                GoTemplate::parse(template).and_then(|t| t.render(object, allow_missing)).map_err(refused)
            }
            Self::JsonPathAsJson => {
                let lists = JsonPath::parse(template).and_then(|t| t.values(object, allow_missing));
                lists.map_err(refused)?.iter().map(json).collect()
            }
        }
    }
}

impl Template {
    fn text(&self) -> Result<String, Error> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(file) => read(file),
        }
    }
}

fn read(file: &Path) -> Result<String, Error> {
    crate::commands::configuration::read_input(&file.display().to_string())
        .map_err(|message| Error::new(ExitStatus::Usage, format!("--output: {message}")))
}

/// JSON with kubeadm's indentation.
fn json(object: &impl Serialize) -> Result<String, Error> {
    let mut json = vec![];
    let formatter = PrettyFormatter::with_indent(b"    ");
    object.serialize(&mut serde_json::Serializer::with_formatter(&mut json, formatter))?;
    Ok(String::from_utf8(json)? + "\n")
}
