//! `certs generate-csr`.

use std::path::PathBuf;

use clap::Args;
use time::OffsetDateTime;

use crate::certs::requests;
use crate::cli::reach;
use crate::config::Overrides;
use crate::error::Error;
use crate::host::{Lock, RealHost};
use crate::output::{Format, Printer};

/// Make keys and certificate requests, for a CA whose key is elsewhere
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap certs generate-csr --config kubeadm.yaml\n  kubestrap certs generate-csr --cert-dir /tmp/csr/pki --kubeconfig-dir /tmp/csr"
)]
pub(super) struct GenerateCsr {
    /// Where keys and requests go (default: the configuration's, /etc/kubernetes/pki)
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Where kubeconfigs and their requests go
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes")]
    kubeconfig_dir: PathBuf,
}

impl GenerateCsr {
    /// Makes them, and prints the requests' paths.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let overrides =
            Overrides { kubeconfig_dir: Some(self.kubeconfig_dir.clone()), ..Overrides::default() };
        let mut settings = reach::resolve(reach::load(self.config.as_deref(), &out)?, &overrides, &out)?;
        if let Some(dir) = &self.cert_dir {
            settings.node.paths.certificates.clone_from(dir);
        }
        let _lock = Lock::take(
            &[&settings.node.paths.certificates, &settings.node.paths.kubeconfig_dir],
            "certs generate-csr",
        )?;
        let made = requests::generate(&settings, &RealHost::new(), OffsetDateTime::now_utc())?;
        let paths = made.iter().map(|name| {
            let dir = if name.ends_with(".conf") {
                &settings.node.paths.kubeconfig_dir
            } else {
                &settings.node.paths.certificates
            };
            format!("{}\n", dir.join(format!("{name}.csr")).display())
        });
        out.data(&paths.collect::<String>());
        out.log(
            "generate-csr",
            "Have the CA sign these requests: apiserver for servers, etcd/server and etcd/peer for servers and clients, all others for clients. Put each certificate beside its key; those of kubeconfigs go into them as client-certificate-data, with the CA as certificate-authority-data",
        );
        Ok(())
    }
}
