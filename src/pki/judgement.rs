//! Whether a certificate can be used with its private key and its CA: one judgement, which every command tells in the
//! same words.

use std::path::Path;

use time::OffsetDateTime;

use super::certificate::{Certificate, ExtendedKeyUsage};
use super::key::PrivateKey;
use super::load::Bundle;
use super::sans::San;
use super::verify::{ChainError, verify_chain};

/// The private key that belongs to a certificate.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// It is kept elsewhere (an external CA's), or may not be read: nothing is said of it.
    Elsewhere,
    /// It is missing.
    Missing,
    /// It can't be used, and why.
    Unusable(&'a str),
    /// It was read.
    Of(&'a PrivateKey),
}

impl<'a> Key<'a> {
    /// A key that was read, or why it can't be used.
    pub(crate) fn read<E: AsRef<str>>(key: Result<&'a PrivateKey, &'a E>) -> Self {
        match key {
            Ok(key) => Self::Of(key),
            Err(why) => Self::Unusable(why.as_ref()),
        }
    }
}

/// What is wrong with a certificate; as text, the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It has no private key.
    #[error("its private key is missing")]
    KeyMissing,
    /// Its private key is damaged, encrypted or of an unknown kind.
    #[error("its private key can't be used: {0}")]
    KeyUnusable(String),
    /// Its private key is another's.
    #[error("the certificate is for another key than this private key")]
    KeyMismatch,
    /// It is not valid now, or its CA did not issue it.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It is used as a CA and is none.
    #[error("it has no CA:TRUE, or its key usage does not allow signing certificates")]
    NotACa,
    /// Its extended key usage excludes what it is used for.
    #[error("it is not for {0} (extended key usage)")]
    Usage(&'static str),
    /// A name or address that its clients use is missing in it.
    #[error("it does not name {name}, under which it is reached by {by}")]
    Name {
        /// The name or address.
        name: San,
        /// Whose client uses it.
        by: String,
    },
}

impl Fault {
    /// What is wrong, with the files that it is about.
    pub(crate) fn headline(&self, certificate: &Path, key: &Path) -> String {
        let (certificate, key) = (certificate.display(), key.display());
        match self {
            Self::KeyMissing => format!("{certificate} has no private key: {key} is missing"),
            Self::KeyUnusable(_) => format!("{key} can't be used"),
            Self::KeyMismatch => format!("{certificate} and {key} are not a pair"),
            Self::Chain(ChainError::Expired { .. }) => format!("{certificate} has expired"),
            Self::Chain(ChainError::NotYetValid { .. }) => format!("{certificate} is not valid yet"),
            Self::Chain(_) => format!("{certificate} was not issued by the CA beside it"),
            Self::NotACa => format!("{certificate} is not a CA certificate"),
            Self::Usage(_) | Self::Name { .. } => format!("{certificate} can't be used"),
        }
    }
}

/// What is wrong with the private key of a certificate.
pub(crate) fn key_fault(certificate: &Certificate, key: Key<'_>) -> Option<Fault> {
    match key {
        Key::Elsewhere => None,
        Key::Missing => Some(Fault::KeyMissing),
        Key::Unusable(why) => Some(Fault::KeyUnusable(why.to_owned())),
        Key::Of(key) => (!certificate.matches_key(key)).then_some(Fault::KeyMismatch),
    }
}

/// What is wrong at `now` with a certificate that a CA of `ca` signed; without its CA only its own time is judged.
pub(crate) fn leaf_faults(
    bundle: &Bundle,
    key: Key<'_>,
    ca: Option<&Bundle>,
    now: OffsetDateTime,
) -> Vec<Fault> {
    let chain = match ca {
        Some(ca) => leads_to(bundle, ca, now),
        None => bundle.certificate.check_validity(now),
    };
    chain.err().map(Fault::from).into_iter().chain(key_fault(&bundle.certificate, key)).collect()
}

/// What is wrong at `now` with a CA.
pub(crate) fn authority_faults(certificate: &Certificate, key: Key<'_>, now: OffsetDateTime) -> Vec<Fault> {
    let not_a_ca = (!certificate.can_sign_certificates()).then_some(Fault::NotACa);
    let time = certificate.check_validity(now).err().map(Fault::from);
    not_a_ca.into_iter().chain(key_fault(certificate, key)).chain(time).collect()
}

/// Whether a certificate may be used as a server's or a client's.
pub(crate) fn usage_faults(certificate: &Certificate, server: bool, client: bool) -> Vec<Fault> {
    let usages = certificate.extended_key_usages();
    let wanted = [
        (server, ExtendedKeyUsage::ServerAuth, "servers"),
        (client, ExtendedKeyUsage::ClientAuth, "clients"),
    ];
    let excluded = wanted.into_iter().filter(|(wanted, usage, _)| {
        *wanted && !usages.is_empty() && !usages.contains(usage) && !usages.contains(&ExtendedKeyUsage::Any)
    });
    excluded.map(|(_, _, word)| Fault::Usage(word)).collect()
}

/// Whether a certificate leads to one of the certificates of `ca`.
///
/// # Errors
/// Why not.
pub(crate) fn leads_to(bundle: &Bundle, ca: &Bundle, now: OffsetDateTime) -> Result<(), ChainError> {
    let roots: Vec<Certificate> = ca.iter().cloned().collect();
    verify_chain(bundle, &roots, now)
}
