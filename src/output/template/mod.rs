//! Objects printed through a template of the caller's, in the languages of `kubectl -o`.

mod error;
mod go;
mod jsonpath;
mod kyaml;
mod scanner;
mod unquote;

pub(crate) use error::TemplateError;
pub(crate) use go::GoTemplate;
pub(crate) use jsonpath::JsonPath;
pub(crate) use kyaml::kyaml;
