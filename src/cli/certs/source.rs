//! Flags that say where the certificates are.

use std::path::PathBuf;

use clap::Args;

use crate::commands::certs::source::Location;
use crate::commands::reach::ADMIN_CONF;

// Flags that say where the certificates are. No doc comment: clap would take it for the help of the commands that have them.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct SourceFlags {
    /// Directory of certificates and keys, unless --config sets it [default: the cluster's]
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Configuration file [default: the cluster's ConfigMap kubeadm-config]
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Kubeconfig to reach the cluster with
    #[arg(long, value_name = "FILE", default_value = ADMIN_CONF)]
    kubeconfig: PathBuf,
    /// Directory of kubeconfigs; the static Pod manifests are in `manifests` below it
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes")]
    kubeconfig_dir: PathBuf,
}

impl SourceFlags {
    /// Where to look.
    pub(in crate::cli) fn location(&self) -> Location {
        Location {
            cert_dir: self.cert_dir.clone(),
            config: self.config.clone(),
            kubeconfig: self.kubeconfig.clone(),
            kubeconfig_dir: self.kubeconfig_dir.clone(),
        }
    }
}
