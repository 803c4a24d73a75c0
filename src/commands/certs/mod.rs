//! `certs`: the certificates of an existing control plane.

pub(crate) mod check_expiration;
pub(crate) mod generate_csr;
pub(crate) mod inspect;
pub(crate) mod renew;
pub(crate) mod restart;
pub(crate) mod rotate_ca;
pub(crate) mod source;

use crate::cluster::CertificateKey;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Prints a new key for uploaded certificates.
///
/// # Errors
/// When none can be generated.
pub(crate) fn certificate_key(out: &Printer) -> Result<ExitStatus, Error> {
    let key = CertificateKey::generate()?;
    // To print it is what the command is for.
    out.data(&format!("{}\n", key.expose().as_str()));
    Ok(ExitStatus::Done)
}
