//! `certs generate-csr`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::certs::generate_csr::Request;

/// Generate keys and certificate requests, for a CA whose key is elsewhere
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap certs generate-csr --config kubeadm.yaml\n  kubestrap certs generate-csr --cert-dir /tmp/csr/pki --kubeconfig-dir /tmp/csr"
)]
pub(super) struct GenerateCsr {
    /// Directory for keys and requests [default: the configuration's, /etc/kubernetes/pki]
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Directory for kubeconfigs and their requests
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes")]
    kubeconfig_dir: PathBuf,
}

impl GenerateCsr {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            cert_dir: self.cert_dir.clone(),
            config: self.config.clone(),
            kubeconfig_dir: self.kubeconfig_dir.clone(),
        }
    }
}
