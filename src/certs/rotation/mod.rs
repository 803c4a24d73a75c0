//! What a rotation of the CAs keeps on a control-plane node while it lasts: both generations of CAs and of the service
//! accounts' key, and how far it has come.
//!
//! ```text
//! /etc/kubernetes/pki/ca-rotation/
//!   old/ca.crt, ca.key, front-proxy-ca.…, etcd/ca.…, sa.key, sa.pub     as they were
//!   new/…                                                               those that take over
//!   link/ca.crt, …      the new CA's certificate, signed by the old one
//!   progress.json
//! ```

mod progress;

use std::path::{Path, PathBuf};

use super::managed::Pki;
use crate::host::{FileError, Host};
use crate::pki::table::CertRow;
use crate::pki::{Bundle, Certificate};

pub(crate) use progress::{Progress, Stage};

/// The folder's name, in that of the certificates.
const FOLDER: &str = "ca-rotation";

/// One of the two generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// What there was before.
    Old,
    /// What was generated for the rotation.
    New,
}

/// The folder of a rotation.
#[derive(Clone, Debug)]
pub(crate) struct Staging {
    /// Where it is.
    pub(crate) dir: PathBuf,
}

impl Staging {
    /// That of a folder of certificates.
    pub(crate) fn of(certificates: &Path) -> Self {
        Self { dir: certificates.join(FOLDER) }
    }

    /// A file of a generation, by its name in the certificates' folder.
    pub(crate) fn file(&self, generation: Generation, name: &str) -> PathBuf {
        let folder = match generation {
            Generation::Old => "old",
            Generation::New => "new",
        };
        self.dir.join(folder).join(name)
    }

    /// The certificate that leads from the new CA of a row to the old one.
    pub(crate) fn link(&self, authority: &CertRow) -> PathBuf {
        self.dir.join("link").join(authority.certificate_file())
    }

    /// That certificate, if it is there.
    ///
    /// # Errors
    /// When its file can't be read.
    pub(crate) fn read_link(
        &self,
        authority: &CertRow,
        host: &dyn Host,
    ) -> Result<Option<Certificate>, FileError> {
        let text = host.read(&self.link(authority))?;
        Ok(text.and_then(|text| Certificate::from_pem(&text).ok()))
    }
}

/// The folder, below that of the certificates, of the CA that signs alone: while a rotation lasts, `ca` has two
/// certificates, that of the one which signs first. Empty where there is no rotation.
///
/// # Errors
/// When a file can't be read.
pub(crate) fn signing_folder(
    certificates: &Path,
    ca: &Bundle,
    host: &dyn Host,
) -> Result<&'static str, FileError> {
    let new = host.read(&Staging::of(certificates).file(Generation::New, "ca.crt"))?;
    let new = new.and_then(|text| Bundle::from_pem(&text).ok()).filter(|_| !ca.intermediates.is_empty());
    Ok(match new {
        None => "",
        Some(new) if new.certificate == ca.certificate => "ca-rotation/new/",
        Some(_) => "ca-rotation/old/",
    })
}

/// The certificate that has clients which trust only the old CA accept what `signer` signs, while a rotation lasts; none
/// where there is no rotation, or `signer` is not the new CA.
///
/// # Errors
/// When its file can't be read.
pub(crate) fn link_of(
    authority: &CertRow,
    signer: &Certificate,
    pki: &Pki,
    host: &dyn Host,
) -> Result<Option<Certificate>, FileError> {
    let link = Staging::of(&pki.certificates).read_link(authority, host)?;
    Ok(link.filter(|link| link.spki_der() == signer.spki_der()))
}
