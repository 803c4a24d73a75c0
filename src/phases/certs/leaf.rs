//! Certificates that a CA of the table signs.

use super::{path, private_key, refused};
use crate::certs;
use crate::host::FileMode;
use crate::phases::context::InitContext;
use crate::phases::phase::{Outcome, PhaseError, PhaseResult};
use crate::pki::table::CertRow;
use crate::pki::{Bundle, Issuer, PrivateKey, check_sans, issue, verify_chain};

/// Keeps a certificate that is there, or makes it.
pub(super) fn ensure(context: &mut InitContext, row: &CertRow, signer: &CertRow) -> PhaseResult {
    let (crt, key_file) = (format!("{}.crt", row.base), format!("{}.key", row.base));
    let Some(ca) = context.certificate(&format!("{}.crt", signer.base))? else {
        return Err(missing_ca(context, row, signer));
    };
    let wanted = certs::names_of(&context.settings, row.sans);
    let existing_key = private_key(context, &key_file)?;
    if let Some(bundle) = context.certificate(&crt)? {
        check(context, row, signer, &bundle, existing_key.as_ref(), &ca)?;
        let missing = check_sans(&bundle.certificate, &wanted.dns, &wanted.ips);
        if !missing.is_empty() && add_names(context, row, signer, &bundle, existing_key.as_ref(), &ca)? {
            return Ok(Outcome::Done);
        }
        if !missing.is_empty() {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            context.out.warn(
                "certs",
                format!(
                    "{} lacks {}: who asks for that name is refused; have it issued anew, with that name too, by whoever issued it",
                    path(context, &crt).display(),
                    missing.join(", ")
                ),
            );
        }
        context.out.log("certs", format!("Keeping \"{}\" that is there", row.base));
        context.keep(&path(context, &crt))?;
        context.keep(&path(context, &key_file))?;
        return Ok(Outcome::Done);
    }
    let Some(ca_key) = private_key(context, &format!("{}.key", signer.base))? else {
        let (ca, key) =
            (path(context, &format!("{}.crt", signer.base)), path(context, &format!("{}.key", signer.base)));
        return Err(PhaseError::new(
            crate::phases::Failure::Failed,
            format!(
                "{} is an external CA (there is no {}), so {} can't be made here\n  fix: have the CA's owner sign it (`kubestrap certs generate-csr`) and put certificate and key there",
                ca.display(),
                key.display(),
                path(context, &crt).display()
            ),
        ));
    };
    // A key that stands alone is what an interrupted run left: it gets its certificate.
    let key = match existing_key {
        Some(key) => {
            context.keep(&path(context, &key_file))?;
            key
        }
        None => {
            let key = context.keys.take()?;
            context.write("certs", &path(context, &key_file), key.to_pem()?.as_bytes(), FileMode::SECRET)?;
            key
        }
    };
    context.out.log("certs", format!("Making \"{}\"", row.base));
    if !wanted.dns.is_empty() {
        let ips: Vec<String> = wanted.ips.iter().map(ToString::to_string).collect();
        context.out.log(
            "certs",
            format!(
                "\"{}\" is for the names [{}] and the addresses [{}]",
                row.base,
                wanted.dns.join(" "),
                ips.join(" ")
            ),
        );
    }
    let spec = certs::leaf(&context.settings, row, context.started);
    let certificate =
        issue(&spec, &key, &Issuer::new(&ca.certificate, &ca_key).map_err(|e| refused(e.to_string()))?)?;
    context.write("certs", &path(context, &crt), certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    Ok(Outcome::Done)
}

/// Issues a certificate anew that lacks names: for its own key, and with the names that it has, so that whoever relies
/// on it still can. False where that is not for us to do: the CA's key is elsewhere, or another CA stands between.
fn add_names(
    context: &mut InitContext,
    row: &CertRow,
    signer: &CertRow,
    old: &Bundle,
    key: Option<&PrivateKey>,
    ca: &Bundle,
) -> Result<bool, PhaseError> {
    let ca_key = private_key(context, &format!("{}.key", signer.base))?;
    let (Some(key), Some(ca_key), true) = (key, ca_key, old.intermediates.is_empty()) else {
        return Ok(false);
    };
    let mut spec = certs::leaf(&context.settings, row, context.started);
    let had = (old.certificate.dns_names(), old.certificate.ip_addresses());
    spec.dns_names.extend(had.0.iter().filter(|n| !spec.dns_names.contains(n)).cloned().collect::<Vec<_>>());
    spec.ip_addresses
        .extend(had.1.iter().filter(|a| !spec.ip_addresses.contains(a)).copied().collect::<Vec<_>>());
    let issuer = Issuer::new(&ca.certificate, &ca_key).map_err(|e| refused(e.to_string()))?;
    let certificate = issue(&spec, key, &issuer)?;
    context.out.log("certs", format!("Making \"{}\" anew, for the same key: names were added", row.base));
    let crt = path(context, &format!("{}.crt", row.base));
    context.write("certs", &crt, certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    context.keep(&path(context, &format!("{}.key", row.base)))?;
    Ok(true)
}

/// Whether an existing certificate can stay in use: it leads to the CA, is valid now, and its key is its own.
fn check(
    context: &InitContext,
    row: &CertRow,
    signer: &CertRow,
    bundle: &Bundle,
    key: Option<&PrivateKey>,
    ca: &Bundle,
) -> Result<(), PhaseError> {
    let crt = path(context, &format!("{}.crt", row.base));
    let key_path = path(context, &format!("{}.key", row.base));
    let roots = [ca.certificate.clone()];
    verify_chain(bundle, &roots, context.started).map_err(|e| {
        refused(format!(
            "{} can't be used with {}: {e}",
            crt.display(),
            path(context, &format!("{}.crt", signer.base)).display()
        ))
    })?;
    match key {
        None => Err(refused(format!("{} has no key: {} is missing", crt.display(), key_path.display()))),
        Some(key) if !bundle.certificate.matches_key(key) => Err(refused(format!(
            "{} and {} do not belong together: the certificate is for another key",
            crt.display(),
            key_path.display()
        ))),
        Some(_) => Ok(()),
    }
}

fn missing_ca(context: &InitContext, row: &CertRow, signer: &CertRow) -> PhaseError {
    let dir = context.settings.paths.certificates.display();
    PhaseError::new(
        crate::phases::Failure::Failed,
        format!(
            "{} needs the CA {dir}/{}.crt, which is missing\n  fix: make it with `kubestrap init phase certs {}`, or put yours there",
            row.base, signer.base, signer.name
        ),
    )
}
