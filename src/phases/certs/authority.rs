//! Certificate authorities.

use super::{faulty, path, private_key};
use crate::certs::CLOCK_SKEW;
use crate::config::settings::CA_CERTIFICATE_VALIDITY;
use crate::host::FileMode;
use crate::pki::judgement::{Fault, Key, authority_faults};
use crate::pki::table::{CertRow, CommonName};
use crate::pki::{CertificateSpec, ChainError, self_sign_ca};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Keeps an existing CA, or generates it. A key without a certificate is what an interrupted run left, or a CA whose
/// certificate was lost: it gets a certificate, and what it signed before stays valid.
pub(super) fn ensure(run: &mut Run, row: &CertRow) -> PhaseResult {
    let (crt, key_file) = (row.certificate_file(), row.key_file());
    let existing_key = private_key(run, &key_file)?;
    if let Some(bundle) = run.certificate(&crt)? {
        let key = existing_key.as_ref().map_or(Key::Elsewhere, Key::Of);
        for fault in authority_faults(&bundle.certificate, key, run.started) {
            // It will be valid, or is once the clock is right; kubeadm goes on, too.
            let Fault::Chain(ChainError::NotYetValid { .. }) = fault else {
                return Err(faulty(run, &crt, &key_file, &fault));
            };
            run.warn(format!("{}: {fault}: check the clock", path(run, &crt).display()));
        }
        match existing_key {
            Some(_) => run.log(format!("Using existing \"{}\" CA", row.base)),
            None => run
                .log(format!("Using existing external \"{}\" CA: its key is not on this machine", row.base)),
        }
        run.keep(&path(run, &crt))?;
        run.keep(&path(run, &key_file))?;
        return Ok(Outcome::Done);
    }
    let key = match existing_key {
        Some(key) => {
            run.log(format!(
                "Using the existing key of the \"{}\" CA, whose certificate is missing",
                row.base
            ));
            run.keep(&path(run, &key_file))?;
            key
        }
        None => {
            let key = run.keys.take()?;
            run.write(&path(run, &key_file), key.to_pem()?.as_bytes(), FileMode::SECRET)?;
            key
        }
    };
    run.act(Verb::Generate, format!("\"{}\" CA certificate and key", row.base));
    let CommonName::Fixed(name) = row.common_name else { return Ok(Outcome::Done) };
    let period =
        run.settings.cluster.config.ca_certificate_validity_period.unwrap_or(CA_CERTIFICATE_VALIDITY);
    let spec = CertificateSpec::ca(name, run.started - CLOCK_SKEW, run.started + period.as_std());
    let certificate = self_sign_ca(&spec, &key)?;
    run.write(&path(run, &crt), certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    Ok(Outcome::Done)
}
