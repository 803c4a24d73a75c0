//! The PKI: existing certificates are kept if they are right, missing ones are generated, wrong ones are refused with
//! the reason.

mod authority;
mod leaf;
mod service_account;

use std::path::PathBuf;

use crate::config::Settings;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::Host;
use crate::pki::judgement::Fault;
use crate::pki::table::{CERTIFICATES, CertRow, SERVICE_ACCOUNT};
use crate::pki::{PrivateKey, is_cut_off};
use crate::workflow::{Folder, Outcome, Phase, PhaseResult, Run};

/// The phases of the PKI's table, one a row, and that of the service accounts' keys.
pub(crate) fn phases<S: AsMut<Run> + 'static>() -> Vec<Phase<S>> {
    let rows = CERTIFICATES.iter().map(|row| Phase::shared(row.name, row.about, move |run| ensure(run, row)));
    let service_account = Phase::shared(SERVICE_ACCOUNT.name, SERVICE_ACCOUNT.about, service_account::ensure);
    let phases = rows.chain([service_account]).map(|phase| phase.locking(&[Folder::Certificates]));
    phases.map(|phase| phase.generating(missing_keys)).collect()
}

/// Ensures the whole PKI.
///
/// # Errors
/// When a file of it is wrong, or can't be written.
pub(crate) fn ensure_all(run: &mut Run) -> PhaseResult {
    for row in &CERTIFICATES {
        // What is not for this cluster needs no word here.
        ensure(run, row)?;
    }
    service_account::ensure(run)
}

/// How many keys are missing of those that the phase `name` ensures.
fn missing_keys(settings: &Settings, host: &dyn Host, name: &str) -> usize {
    let external_etcd = settings.cluster.config.etcd.external.is_some();
    let rows = CERTIFICATES.iter().filter(|row| !(external_etcd && row.is_of_etcd()));
    let files = rows.map(|row| (row.name, row.key_file()));
    let files = files.chain([(SERVICE_ACCOUNT.name, SERVICE_ACCOUNT.private_key.to_owned())]);
    let wanted = files.filter(|(row, _)| *row == name);
    wanted.filter(|(_, file)| !host.exists(&settings.node.paths.certificates.join(file))).count()
}

fn ensure(run: &mut Run, row: &'static CertRow) -> PhaseResult {
    if row.is_of_etcd() && run.settings.cluster.config.etcd.external.is_some() {
        return Ok(Outcome::Skipped(format!("Skipping \"{}\": etcd is external", row.base)));
    }
    match row.signer_row() {
        None => authority::ensure(run, row),
        Some(signer) => leaf::ensure(run, row, signer),
    }
}

/// A file of the PKI.
fn path(run: &Run, file: &str) -> PathBuf {
    run.certificate_path(file)
}

/// Reads a private key of the PKI; one that is cut off counts as missing.
fn private_key(run: &Run, file: &str) -> Result<Option<PrivateKey>, Error> {
    let path = path(run, file);
    match run.host.read(&path)?.filter(|pem| !is_cut_off(pem)) {
        None => Ok(None),
        Some(pem) => {
            PrivateKey::from_pem(&pem).map(Some).map_err(|e| refused(format!("{}: {e}", path.display())))
        }
    }
}

/// An existing certificate, or its key, can't be used.
fn faulty(run: &Run, certificate: &str, key: &str, fault: &Fault) -> Error {
    refused(format!("{}: {fault}", fault.headline(&path(run, certificate), &path(run, key))))
}

/// An existing file can't be used and is not ours to replace.
fn refused(message: String) -> Error {
    Error::new(
        ExitStatus::Failed,
        format!(
            "{message}\n  fix: restore the right file from a backup, or move the wrong one away to have it generated again"
        ),
    )
}
