//! Renewal: the same certificate with a new key and a new time.

use std::path::PathBuf;

use time::{Duration, OffsetDateTime};

use super::kubeconfig::Embedded;
use super::managed::{Managed, Pki, Place, required};
use super::rotation::link_of;
use super::spec::CLOCK_SKEW;
use crate::host::{FileError, FileMode, Host, NewFile};
use crate::pki::{
    Bundle, Certificate, CertificateSpec, ChainError, IssueError, Issuer, KeyAlgorithm, KeyError, KeyPool,
    KeyType, PrivateKey, issue,
};

/// How renewed certificates are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The algorithm of new keys; none keeps that of the certificate, where nobody can say what the cluster's is.
    pub algorithm: Option<KeyAlgorithm>,
    /// How long they last.
    pub validity: Duration,
    /// When this run began: they count from it.
    pub started: OffsetDateTime,
}

/// What became of a certificate that was to be renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was renewed.
    Renewed {
        /// The end of the new one.
        expires: OffsetDateTime,
        /// The end of the old one.
        old_expires: OffsetDateTime,
        /// The end of its CA, which outlasts it or not.
        authority_expires: OffsetDateTime,
    },
    /// Its CA's key is not here.
    External {
        /// The CA's certificate.
        authority: PathBuf,
    },
    /// It is not there.
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
}

/// Why a certificate could not be renewed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenewalError {
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The existing certificate does not tell what the new one is to say.
    #[error(
        "{} can't be renewed: {reason}; restore it from a backup, or move it away and generate it again with `kubestrap init phase {phase}`", .path.display()
    )]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// The phase that makes it.
        phase: String,
    },
    /// The CA or its key can't be used.
    #[error("{} can't sign: {reason}; restore it from a backup", .path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The CA is not valid now, so nobody would trust what it signs.
    #[error("{} can't sign: {reason}; what it signs is trusted by nobody, so a new CA is needed", .path.display())]
    AuthorityTime {
        /// The CA's file.
        path: PathBuf,
        /// What is wrong.
        reason: ChainError,
    },
    /// No certificate could be made.
    #[error("{name}: {source}")]
    Issue {
        /// Which one.
        name: &'static str,
        /// Why.
        #[source]
        source: IssueError,
    },
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Keys for renewals, made ahead where the algorithm is known.
pub(crate) struct NewKeys {
    pool: Option<KeyPool>,
}

impl NewKeys {
    /// Starts to make `count` keys for these terms.
    pub(crate) fn start(terms: &Terms, count: usize) -> Self {
        Self { pool: terms.algorithm.map(|algorithm| KeyPool::start(algorithm, count)) }
    }

    /// Keys of a pool that makes them already.
    pub(crate) fn of(pool: KeyPool) -> Self {
        Self { pool: Some(pool) }
    }

    /// The pool, for others.
    pub(crate) fn into_pool(self) -> Option<KeyPool> {
        self.pool
    }

    fn take(&self, like: &KeyType) -> Result<PrivateKey, KeyError> {
        match &self.pool {
            Some(pool) => pool.take(),
            None => PrivateKey::generate(alike(like)),
        }
    }
}

/// The algorithm that makes keys of the same kind; kubeadm's default where it can make none such.
pub(super) fn alike(key: &KeyType) -> KeyAlgorithm {
    let same = KeyAlgorithm::ALL.into_iter().find(|a| a.name() == key.to_string());
    same.unwrap_or_default()
}

/// Renews a certificate: a new key, and a certificate with the CN, O, names and usages of the one that is there
/// (kubeadm's rule). Key and certificate are replaced together, each file at every moment old or new; cut off
/// between the two, another run fixes it. A kubeconfig gets its CA again too. While a rotation of the CA lasts, the new
/// CA's certificate that the old one signed follows in the same file.
///
/// # Errors
/// When the certificate, its CA or a file can't be used; then nothing was changed.
pub(crate) fn renew(
    managed: &Managed,
    pki: &Pki,
    terms: &Terms,
    host: &dyn Host,
    keys: &NewKeys,
) -> Result<Outcome, RenewalError> {
    let path = managed.path(pki);
    let Some(text) = host.read(&path)? else { return Ok(Outcome::Missing { path }) };
    if pki.is_external(managed.signer, host) {
        return Ok(Outcome::External { authority: pki.certificate(managed.signer) });
    }
    let phase = match managed.place {
        Place::File(row) => format!("certs {}", row.name),
        Place::Kubeconfig(row) => format!("kubeconfig {}", row.name),
    };
    let unreadable =
        |reason: String| RenewalError::Unreadable { path: path.clone(), reason, phase: phase.clone() };
    let (ca, ca_key) = authority(managed, pki, terms.started, host)?;
    let not_before = terms.started - CLOCK_SKEW;
    let make = |old: &Certificate| -> Result<(Certificate, PrivateKey), RenewalError> {
        let failed = |source| RenewalError::Issue { name: managed.name, source };
        let not_after = terms.started + terms.validity;
        let spec =
            CertificateSpec::renewal(old, not_before, not_after).map_err(|e| unreadable(e.to_string()))?;
        let key = keys.take(old.key_type())?;
        let issuer = Issuer::new(&ca.certificate, &ca_key).map_err(failed)?;
        Ok((issue(&spec, &key, &issuer).map_err(failed)?, key))
    };
    let (old, certificate) = match managed.place {
        Place::File(row) => {
            let old = Bundle::from_pem(&text).map_err(|e| unreadable(e.to_string()))?;
            let (certificate, key) = make(&old.certificate)?;
            let link = link_of(managed.signer, &ca.certificate, pki, host)?;
            let chain = Bundle { certificate, intermediates: link.into_iter().collect() };
            // The key first: a certificate is worth nothing before its key is there.
            host.write_together(&[
                NewFile { path: &pki.key(row), content: key.to_pem()?.as_bytes(), mode: FileMode::SECRET },
                NewFile { path: &path, content: chain.to_pem().as_bytes(), mode: FileMode::CERTIFICATE },
            ])?;
            (old, chain.certificate)
        }
        Place::Kubeconfig(_) => {
            let embedded = Embedded::parse(&text).map_err(unreadable)?;
            // As kubeadm: who keeps the CA in a file of their own keeps it there.
            embedded.authority().map_err(unreadable)?;
            let old = embedded.certificate().map_err(unreadable)?;
            let (certificate, key) = make(&old.certificate)?;
            let text = embedded.replaced(&certificate, &key, &ca).map_err(unreadable)?;
            host.write_together(&[NewFile {
                path: &path,
                content: text.as_bytes(),
                mode: FileMode::SECRET,
            }])?;
            (old, certificate)
        }
    };
    let authority_expires = ca.certificate.not_after();
    let old_expires = old.certificate.not_after();
    Ok(Outcome::Renewed { expires: certificate.not_after(), old_expires, authority_expires })
}

/// The CA that signs, which must be valid, and its key.
fn authority(
    managed: &Managed,
    pki: &Pki,
    now: OffsetDateTime,
    host: &dyn Host,
) -> Result<(Bundle, PrivateKey), RenewalError> {
    let (crt, key) = (pki.certificate(managed.signer), pki.key(managed.signer));
    let ca = Bundle::from_pem(&required(host, &crt)?)
        .map_err(|e| RenewalError::Authority { path: crt.clone(), reason: e.to_string() })?;
    ca.certificate
        .check_validity(now)
        .map_err(|reason| RenewalError::AuthorityTime { path: crt.clone(), reason })?;
    let ca_key = PrivateKey::from_pem(&required(host, &key)?)
        .map_err(|e| RenewalError::Authority { path: key, reason: e.to_string() })?;
    Issuer::new(&ca.certificate, &ca_key)
        .map_err(|e| RenewalError::Authority { path: crt, reason: e.to_string() })?;
    Ok((ca, ca_key))
}
