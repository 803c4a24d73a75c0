//! `certs`: the PKI. What is right is kept, what is missing is made, what is wrong is refused with the reason.

mod authority;
mod leaf;
mod service_account;

use std::path::PathBuf;

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError};
use crate::pki::table::{CERTIFICATES, CertRow, SERVICE_ACCOUNT};
use crate::pki::{PrivateKey, is_cut_off};

/// The group, one phase a row of the PKI's table.
pub(super) fn phase() -> Phase<InitContext> {
    let mut phases: Vec<Phase<InitContext>> = CERTIFICATES.iter().map(row_phase).collect();
    phases.push(Phase::new(SERVICE_ACCOUNT.name, SERVICE_ACCOUNT.about, service_account::ensure));
    Phase::group("certs", "Make the certificates and keys that are missing", phases)
}

fn row_phase(row: &'static CertRow) -> Phase<InitContext> {
    Phase::new(row.name, row.about, move |context: &mut InitContext| {
        let etcd = row.name == "etcd-ca" || row.signer == Some("etcd-ca");
        if etcd && context.settings.cluster.etcd.external.is_some() {
            return Ok(Outcome::Skipped(format!("External etcd: {} is not made here", row.base)));
        }
        match row.signer_row() {
            None => authority::ensure(context, row),
            Some(signer) => leaf::ensure(context, row, signer),
        }
    })
}

/// A file of the PKI.
fn path(context: &InitContext, file: &str) -> PathBuf {
    context.settings.paths.certificates.join(file)
}

/// Reads a private key of the PKI; one that is cut off counts as missing.
fn private_key(context: &InitContext, file: &str) -> Result<Option<PrivateKey>, PhaseError> {
    let path = path(context, file);
    match context.host.read(&path)?.filter(|pem| !is_cut_off(pem)) {
        None => Ok(None),
        Some(pem) => {
            PrivateKey::from_pem(&pem).map(Some).map_err(|e| refused(format!("{}: {e}", path.display())))
        }
    }
}

/// What is there can't be used and is not ours to replace.
fn refused(message: String) -> PhaseError {
    PhaseError::new(
        Failure::Failed,
        format!(
            "{message}\n  fix: restore the right file from a backup; or move the wrong one away, and it is made anew"
        ),
    )
}
