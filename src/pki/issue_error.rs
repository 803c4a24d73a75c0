//! Why a certificate could not be made.

use time::OffsetDateTime;

use super::key::KeyError;

/// Why a certificate or request could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IssueError {
    /// The issuer's certificate is not one of a CA.
    #[error(
        "the certificate {certificate:?} is not a CA's (CA:TRUE, and a key usage that allows signing certificates)"
    )]
    NotACa {
        /// Subject of the certificate.
        certificate: String,
    },
    /// The issuer's key and certificate are not a pair.
    #[error(
        "the CA certificate {certificate:?} is for another key ({certificate_key}) than the CA key ({key}) given"
    )]
    KeyMismatch {
        /// Subject of the certificate.
        certificate: String,
        /// Pin of the certificate's public key.
        certificate_key: String,
        /// Pin of the key's public half.
        key: String,
    },
    /// A DNS name cannot stand in a certificate.
    #[error("the DNS name {name:?} cannot stand in a certificate: it has characters outside ASCII")]
    InvalidDnsName {
        /// The name.
        name: String,
    },
    /// The validity ends before it begins, or lies outside the years 1950 to 9999.
    #[error("a validity from {not_before} to {not_after} cannot be written into a certificate")]
    InvalidValidity {
        /// First second.
        not_before: OffsetDateTime,
        /// Last second.
        not_after: OffsetDateTime,
    },
    /// A certificate to be renewed says neither that it is for servers nor for clients.
    #[error("the certificate {certificate:?} is for neither servers nor clients, so it cannot be renewed")]
    NoUsages {
        /// Subject of the certificate.
        certificate: String,
    },
    /// No serial number could be drawn.
    #[error("the crypto library has no randomness for a serial number")]
    NoRandomness,
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The structure could not be laid out: a fault of this program or of rcgen.
    #[error("the certificate for {subject} could not be laid out: {reason}")]
    Layout {
        /// Whom it is for.
        subject: String,
        /// What went wrong.
        reason: String,
    },
}
