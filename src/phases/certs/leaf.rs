//! Certificates that a CA of the table signs.

use super::{path, private_key, refused};
use crate::certs;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::pki::judgement::{Key, leaf_faults};
use crate::pki::table::CertRow;
use crate::pki::{Bundle, Issuer, PrivateKey, check_sans, issue};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Keeps an existing certificate, or generates it.
pub(super) fn ensure(run: &mut Run, row: &CertRow, signer: &CertRow) -> PhaseResult {
    let (crt, key_file) = (row.certificate_file(), row.key_file());
    let Some(ca) = run.certificate(&signer.certificate_file())? else {
        return Err(missing_ca(run, row, signer));
    };
    let wanted = certs::names_of(&run.settings, row.sans);
    let existing_key = private_key(run, &key_file)?;
    if let Some(bundle) = run.certificate(&crt)? {
        let key = existing_key.as_ref().map_or(Key::Missing, Key::Of);
        // It can stay in use if the CA signed it, it is valid now, and its key belongs to it.
        if let Some(fault) = leaf_faults(&bundle, key, Some(&ca), run.started).first() {
            return Err(super::faulty(run, &crt, &key_file, fault));
        }
        let missing = check_sans(&bundle.certificate, &wanted.dns, &wanted.ips);
        if !missing.is_empty() && add_names(run, row, signer, &bundle, existing_key.as_ref(), &ca)? {
            return Ok(Outcome::Done);
        }
        if !missing.is_empty() {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            run.warn(format!(
                "{} lacks {}: clients that connect by that name refuse it\n    fix: have it issued again, with that name too, by whoever issued it",
                path(run, &crt).display(),
                missing.join(", ")
            ));
        }
        run.log(format!("Using existing \"{}\" certificate and key", row.base));
        run.keep(&path(run, &crt))?;
        run.keep(&path(run, &key_file))?;
        return Ok(Outcome::Done);
    }
    let Some(ca_key) = private_key(run, &signer.key_file())? else {
        let (ca, key) = (path(run, &signer.certificate_file()), path(run, &signer.key_file()));
        return Err(Error::new(
            ExitStatus::Failed,
            format!(
                "{} is an external CA (there is no {}), so {} can't be generated here\n  fix: have the CA's owner sign it (`kubestrap certs generate-csr`) and put certificate and key there",
                ca.display(),
                key.display(),
                path(run, &crt).display()
            ),
        ));
    };
    // A key without a certificate is what an interrupted run left: it gets its certificate.
    let key = match existing_key {
        Some(key) => {
            run.keep(&path(run, &key_file))?;
            key
        }
        None => {
            let key = run.keys.take()?;
            run.write(&path(run, &key_file), key.to_pem()?.as_bytes(), FileMode::SECRET)?;
            key
        }
    };
    run.act(Verb::Generate, format!("\"{}\" certificate and key", row.base));
    if !wanted.dns.is_empty() {
        let ips: Vec<String> = wanted.ips.iter().map(ToString::to_string).collect();
        run.log(format!(
            "\"{}\" is valid for the DNS names [{}] and the IP addresses [{}]",
            row.base,
            wanted.dns.join(" "),
            ips.join(" ")
        ));
    }
    let spec = certs::leaf(&run.settings, row, run.started);
    let certificate =
        issue(&spec, &key, &Issuer::new(&ca.certificate, &ca_key).map_err(|e| refused(e.to_string()))?)?;
    run.write(&path(run, &crt), certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    Ok(Outcome::Done)
}

/// Issues a certificate that lacks names again, for the same key with the names that it has and until when it lasts at
/// least, so that its clients keep working. False where that can't be done here: the CA's key is elsewhere, or an intermediate CA signed it.
fn add_names(
    run: &mut Run,
    row: &CertRow,
    signer: &CertRow,
    old: &Bundle,
    key: Option<&PrivateKey>,
    ca: &Bundle,
) -> Result<bool, Error> {
    let ca_key = private_key(run, &signer.key_file())?;
    let (Some(key), Some(ca_key), true) = (key, ca_key, old.intermediates.is_empty()) else {
        return Ok(false);
    };
    let mut spec = certs::leaf(&run.settings, row, run.started);
    let had = (old.certificate.dns_names(), old.certificate.ip_addresses());
    spec.dns_names.extend(had.0.iter().filter(|n| !spec.dns_names.contains(n)).cloned().collect::<Vec<_>>());
    spec.ip_addresses
        .extend(had.1.iter().filter(|a| !spec.ip_addresses.contains(a)).copied().collect::<Vec<_>>());
    // Who had one that lasts longer keeps that.
    spec.not_after = spec.not_after.max(old.certificate.not_after());
    let issuer = Issuer::new(&ca.certificate, &ca_key).map_err(|e| refused(e.to_string()))?;
    let certificate = issue(&spec, key, &issuer)?;
    run.act(
        Verb::Generate,
        format!("\"{}\" certificate again, for the same key: names were added", row.base),
    );
    let crt = path(run, &row.certificate_file());
    run.write(&crt, certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    run.keep(&path(run, &row.key_file()))?;
    Ok(true)
}

fn missing_ca(run: &Run, row: &CertRow, signer: &CertRow) -> Error {
    let dir = run.settings.node.paths.certificates.display();
    Error::new(
        ExitStatus::Failed,
        format!(
            "{} needs the CA {dir}/{}.crt, which is missing\n  fix: generate it with `kubestrap init phase certs {}`, or put yours there",
            row.base, signer.base, signer.name
        ),
    )
}
