//! Certificates of an external CA: their requests are written, and told.

use std::path::Path;

use time::OffsetDateTime;

use super::AREA;
use crate::certs::{Pki, leaves, requests};
use crate::host::{FileError, Host};
use crate::output::Printer;

/// Where requests are written.
const DIR: &str = "/var/lib/kubestrap/care/requests";

/// Removes the requests of certificates that are not due, as they were answered: the next one needs a new key.
fn remove_answered(due: &[&'static str], pki: &Pki, host: &dyn Host) -> Result<(), FileError> {
    for managed in leaves(pki.external_etcd).iter().filter(|m| !due.contains(&m.name)) {
        for extension in ["csr", "key"] {
            host.remove(&Path::new(DIR).join(format!("{}.{extension}", managed.name)))?;
        }
    }
    Ok(())
}

/// Writes requests for certificates, and tells what to do with them; gives their files, and what failed.
pub(super) fn request(
    names: &[&'static str],
    pki: &Pki,
    host: &dyn Host,
    now: OffsetDateTime,
    out: &Printer,
) -> (Vec<String>, Vec<String>) {
    let (mut written, mut failures) = (vec![], vec![]);
    failures.extend(remove_answered(names, pki, host).err().map(|error| error.to_string()));
    for managed in leaves(pki.external_etcd).iter().filter(|m| names.contains(&m.name)) {
        match requests::renewal(managed, pki, Path::new(DIR), host, now) {
            Ok(file) => {
                out.warn(
                    AREA,
                    format!(
                        "{} is due, and its CA's key is not here: have {} signed, then replace {} with the certificate, and its key with the one beside the request",
                        managed.name, file.display(), managed.path(pki).display()
                    ),
                );
                written.push(file.display().to_string());
            }
            Err(error) => {
                failures.push(format!("could not write a certificate request for {}: {error}", managed.name))
            }
        }
    }
    (written, failures)
}
