//! Certificate authorities.

use super::{path, private_key, refused};
use crate::certs::CLOCK_SKEW;
use crate::config::settings::CA_CERTIFICATE_VALIDITY;
use crate::host::FileMode;
use crate::pki::table::{CertRow, CommonName};
use crate::pki::{CertificateSpec, self_sign_ca};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Keeps an existing CA, or generates it. A key without a certificate is what an interrupted run left, or a CA whose
/// certificate was lost: it gets a certificate, and what it signed before stays valid.
pub(super) fn ensure(run: &mut Run, row: &CertRow) -> PhaseResult {
    let (crt, key_file) = (row.certificate_file(), row.key_file());
    let existing_key = private_key(run, &key_file)?;
    if let Some(bundle) = run.certificate(&crt)? {
        let (ca, place) = (&bundle.certificate, path(run, &crt));
        let place = place.display();
        if !ca.is_ca() {
            return Err(refused(format!("{place} is not a CA certificate (it has no CA:TRUE)")));
        }
        if ca.not_after() < run.started {
            return Err(refused(format!(
                "{place} expired at {}: nothing that it signed is trusted",
                ca.not_after()
            )));
        }
        if ca.not_before() > run.started {
            run.warn(format!(
                "{place} is not valid before {}: check the clock",
                crate::certs::utc(ca.not_before())
            ));
        }
        match existing_key {
            Some(key) if !ca.matches_key(&key) => {
                return Err(refused(format!(
                    "{place} and {} do not belong together: the certificate is for another key",
                    path(run, &key_file).display()
                )));
            }
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
