//! `config validate`.

use clap::Args;

use super::super::value::Boolean as _;
use crate::commands::config::validate::Request;
use crate::config::Release;
use crate::config::version::KubernetesVersion;
use crate::output::ObjectFormat;

/// Check a configuration file of any kind, and report everything that is wrong with it, each with its line and column
///
/// What kubeadm, kubelet, kube-proxy and the control plane's components would refuse is an error, as are unknown fields and
/// kinds. Neither this machine nor the internet is asked anything, except whether a discovery file exists.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config validate --config kubeadm.yaml\n  kubestrap config validate --config kubeadm.yaml --kubernetes-version 1.35 -o json"
)]
pub(super) struct Validate {
    /// The file; `-` reads standard input
    #[arg(long, value_name = "FILE", required = true)]
    config: String,
    /// Check the file for this version, or minor, of Kubernetes instead of the one that it names
    #[arg(long, value_name = "VERSION", value_parser = version)]
    kubernetes_version: Option<KubernetesVersion>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
    /// Do not warn about a deprecated API version
    #[arg(long, boolean())]
    allow_deprecated_api: Option<bool>,
    /// Accepted for compatibility with kubeadm: there is no experimental API version
    #[arg(long, boolean())]
    allow_experimental_api: Option<bool>,
}

/// A version, or a minor such as `1.35`.
fn version(text: &str) -> Result<KubernetesVersion, String> {
    let full = if text.matches('.').count() == 1 { format!("{text}.0") } else { text.to_owned() };
    let version: KubernetesVersion = full.parse().map_err(|error| format!("{error}"))?;
    Release::of(&version).map_err(|error| error.to_string())?;
    Ok(version)
}

impl Validate {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            config: self.config.clone(),
            version: self.kubernetes_version.clone(),
            format: self.output.clone(),
            allow_deprecated_api: self.allow_deprecated_api == Some(true),
        }
    }
}
