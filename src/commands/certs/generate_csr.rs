//! `certs generate-csr`: keys and certificate requests, for a CA whose key is elsewhere.

use std::path::PathBuf;

use time::OffsetDateTime;

use crate::certs::requests;
use crate::commands::reach;
use crate::config::Overrides;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Lock, RealHost};
use crate::output::Printer;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where keys and requests go, if not where the configuration says.
    pub(crate) cert_dir: Option<PathBuf>,
    /// The configuration file.
    pub(crate) config: Option<String>,
    /// Where kubeconfigs and their requests go.
    pub(crate) kubeconfig_dir: PathBuf,
}

/// Generates them, and prints the paths of the requests.
///
/// # Errors
/// When the configuration can't be used, or one of the files exists.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let overrides =
        Overrides { kubeconfig_dir: Some(request.kubeconfig_dir.clone()), ..Overrides::default() };
    let mut settings = reach::resolve(reach::load(request.config.as_deref(), out)?, &overrides, out)?;
    if let Some(dir) = &request.cert_dir {
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
    Ok(ExitStatus::Done)
}
