//! `version`.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::output::{Format, Printer};
use crate::phases::{Failure, PhaseError};
use crate::yaml;

/// Print the version
#[derive(Args, Debug)]
pub(super) struct Version {
    /// How to print it
    #[arg(short, long, value_enum)]
    output: Option<Form>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// The version alone
    Short,
    /// As JSON
    Json,
    /// As YAML
    Yaml,
}

impl Version {
    /// Prints it.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        let version = concat!("v", env!("CARGO_PKG_VERSION"));
        let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
        let kubernetes = crate::config::version::DEFAULT_VERSION;
        let data = json!({ "clientVersion": { "gitVersion": version, "platform": platform, "kubernetesVersion": kubernetes } });
        let text = match self.output {
            None => format!(
                "kubestrap {version} ({platform}); sets up Kubernetes {kubernetes} unless told otherwise\n"
            ),
            Some(Form::Short) => format!("{version}\n"),
            Some(Form::Json) => format!("{}\n", serde_json::to_string_pretty(&data)?),
            Some(Form::Yaml) => yaml::to_string(&data).map_err(|e| PhaseError::new(Failure::Failed, e))?,
        };
        Printer::new(Format::Text).data(&text);
        Ok(())
    }
}
