//! Certificate authorities.

use super::{path, private_key, refused};
use crate::certs::CLOCK_SKEW;
use crate::config::settings::CA_CERTIFICATE_VALIDITY;
use crate::host::FileMode;
use crate::phases::context::InitContext;
use crate::phases::phase::{Outcome, PhaseResult};
use crate::pki::table::{CertRow, CommonName};
use crate::pki::{CertificateSpec, self_sign_ca};

/// Keeps a CA that is there, or makes it. A key that stands alone is what an interrupted run left, or a CA whose
/// certificate was lost: it gets a certificate, and what it signed before stays valid.
pub(super) fn ensure(context: &mut InitContext, row: &CertRow) -> PhaseResult {
    let (crt, key_file) = (format!("{}.crt", row.base), format!("{}.key", row.base));
    let existing_key = private_key(context, &key_file)?;
    if let Some(bundle) = context.certificate(&crt)? {
        let (ca, place) = (&bundle.certificate, path(context, &crt));
        let place = place.display();
        if !ca.is_ca() {
            return Err(refused(format!("{place} is not a CA certificate (no CA:TRUE in it)")));
        }
        if ca.not_after() < context.started {
            return Err(refused(format!(
                "{place} expired at {}: nothing that it signed is trusted any more",
                ca.not_after()
            )));
        }
        if ca.not_before() > context.started {
            context.out.warn(
                "certs",
                format!("{place} is not valid before {}: is the clock right?", ca.not_before()),
            );
        }
        match existing_key {
            Some(key) if !ca.matches_key(&key) => {
                return Err(refused(format!(
                    "{place} and {} do not belong together: the certificate is for another key",
                    path(context, &key_file).display()
                )));
            }
            Some(_) => context.out.log("certs", format!("Keeping the CA \"{}\" that is there", row.base)),
            None => context
                .out
                .log("certs", format!("Keeping the external CA \"{}\": its key is elsewhere", row.base)),
        }
        context.keep(&path(context, &crt))?;
        context.keep(&path(context, &key_file))?;
        return Ok(Outcome::Done);
    }
    let key = match existing_key {
        Some(key) => {
            context.out.log(
                "certs",
                format!("Taking the key of \"{}\" that is there; its certificate is missing", row.base),
            );
            context.keep(&path(context, &key_file))?;
            key
        }
        None => {
            let key = context.keys.take()?;
            context.write("certs", &path(context, &key_file), key.to_pem()?.as_bytes(), FileMode::SECRET)?;
            key
        }
    };
    context.out.log("certs", format!("Making the CA \"{}\"", row.base));
    let CommonName::Fixed(name) = row.common_name else { return Ok(Outcome::Done) };
    let period = context.settings.cluster.ca_certificate_validity_period.unwrap_or(CA_CERTIFICATE_VALIDITY);
    let spec = CertificateSpec::ca(name, context.started - CLOCK_SKEW, context.started + period.as_std());
    let certificate = self_sign_ca(&spec, &key)?;
    context.write("certs", &path(context, &crt), certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    Ok(Outcome::Done)
}
