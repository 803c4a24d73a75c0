//! `certs inspect`.

use clap::Args;

use super::renew::known_names;
use super::source::SourceFlags;
use crate::commands::certs::inspect::Request;
use crate::output::ObjectFormat;

/// Show certificates in full: chain, names, key, who uses them, what is wrong and what that breaks
#[derive(Args, Debug)]
#[command(
    after_help = "Exits with 1 if something is wrong.\n\nExamples:\n  kubestrap certs inspect\n  kubestrap certs inspect apiserver etcd-server -o json"
)]
pub(super) struct Inspect {
    /// Certificates to show [default: all]
    #[arg(value_name = "NAME", value_parser = known_names(&["ca", "etcd-ca", "front-proxy-ca"]))]
    names: Vec<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
}

impl Inspect {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request { names: self.names.clone(), location: self.source.location(), format: self.output.clone() }
    }
}
