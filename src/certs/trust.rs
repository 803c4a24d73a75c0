//! What belongs to another CA than the one in the folder: left over where a CA was exchanged.

use time::OffsetDateTime;

use super::kubeconfig::Embedded;
use super::managed::{Pki, Place, leaves};
use crate::host::{FileError, Host};
use crate::pki::table::row;
use crate::pki::{Bundle, Certificate, ChainError, verify_chain};

/// Certificates that another CA issued and kubeconfigs that trust another, each in words with its file. What is missing
/// or can't be read is told elsewhere.
///
/// # Errors
/// When a file is there and may not be read.
pub(crate) fn of_another_ca(
    pki: &Pki,
    host: &dyn Host,
    now: OffsetDateTime,
) -> Result<Vec<String>, FileError> {
    let mut found = vec![];
    for managed in leaves(pki.external_etcd) {
        let ca = pki.certificate(managed.signer);
        let path = managed.path(pki);
        let (Some(authority), Some(text)) = (bundle(host, &ca)?, host.read(&path)?) else { continue };
        let certificate = match managed.place {
            Place::File(_) => Bundle::from_pem(&text).ok(),
            Place::Kubeconfig(_) => Embedded::parse(&text).and_then(|embedded| embedded.certificate()).ok(),
        };
        if certificate.is_some_and(|certificate| !issued(&certificate, &authority, now)) {
            found.push(format!(
                "{} was issued by another CA than {} ({}): renew it",
                managed.name,
                ca.display(),
                path.display()
            ));
        }
    }
    if let Some(row) = row("ca") {
        let ca = pki.certificate(row);
        if let Some(authority) = bundle(host, &ca)? {
            for file in crate::kubeconfig::ROWS.iter().map(|row| row.file) {
                let path = pki.kubeconfigs.join(file);
                let Some(text) = host.read(&path)? else { continue };
                let trusted = Embedded::parse(&text).and_then(|embedded| embedded.authority());
                if trusted.is_ok_and(|trusted| !trusts(&trusted, &authority.certificate)) {
                    found.push(format!(
                        "{file} trusts another CA than {} ({}): {}",
                        ca.display(),
                        path.display(),
                        if file == "kubelet.conf" {
                            "remove it and run `kubestrap init phase kubeconfig kubelet`, or join the node again"
                        } else {
                            "renew it"
                        }
                    ));
                }
            }
        }
    }
    Ok(found)
}

fn bundle(host: &dyn Host, path: &std::path::Path) -> Result<Option<Bundle>, FileError> {
    Ok(host.read(path)?.and_then(|text| Bundle::from_pem(&text).ok()))
}

/// Whether a certificate is of a CA; one that can't be checked, or is only too old, is.
fn issued(certificate: &Bundle, authority: &Bundle, now: OffsetDateTime) -> bool {
    let roots: Vec<Certificate> =
        std::iter::once(&authority.certificate).chain(&authority.intermediates).cloned().collect();
    !matches!(
        verify_chain(certificate, &roots, now),
        Err(ChainError::UnknownIssuer { .. } | ChainError::BadSignature { .. })
    )
}

/// Whether a CA is among those trusted: by name and key, since a CA may get a new certificate.
fn trusts(trusted: &Bundle, authority: &Certificate) -> bool {
    let same = |one: &Certificate| {
        one.subject_text() == authority.subject_text() && one.spki_der() == authority.spki_der()
    };
    std::iter::once(&trusted.certificate).chain(&trusted.intermediates).any(same)
}
