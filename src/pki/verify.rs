//! Does a certificate lead to a root that is trusted?

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{
    ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, UnparsedPublicKey,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::{OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::algorithm::KeyType;
use super::certificate::{Certificate, parse_x509};
use super::load::Bundle;

/// Why a certificate is not valid under the roots that were given. Certificates are named by their
/// subjects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A certificate of the chain is for the future: mostly a clock that is wrong.
    #[error("the certificate {certificate:?} is not valid before {}; it is {} now", utc(.not_before), utc(.now))]
    NotYetValid {
        /// Subject of the certificate.
        certificate: String,
        /// First second of its validity.
        not_before: OffsetDateTime,
        /// The time that was asked about.
        now: OffsetDateTime,
    },
    /// A certificate of the chain has expired.
    #[error("the certificate {certificate:?} expired at {}; it is {} now", utc(.at), utc(.now))]
    Expired {
        /// Subject of the certificate.
        certificate: String,
        /// Last second of its validity.
        at: OffsetDateTime,
        /// The time that was asked about.
        now: OffsetDateTime,
    },
    /// No root and no intermediate has the name of the issuer.
    #[error("the certificate {certificate:?} was issued by {issuer:?}, not by {}", list(.authorities))]
    UnknownIssuer {
        /// Subject of the certificate.
        certificate: String,
        /// The issuer it names.
        issuer: String,
        /// Subjects of the roots that are trusted.
        authorities: Vec<String>,
    },
    /// The issuer's name fits, its key does not: mostly a CA that was made again under the same name.
    #[error(
        "the signature of the certificate {certificate:?} was not made with the key of the CA {issuer:?}: \
         another CA of the same name issued it"
    )]
    BadSignature {
        /// Subject of the certificate.
        certificate: String,
        /// Subject of the CA.
        issuer: String,
    },
    /// The signature is of a kind that cannot be checked.
    #[error(
        "the certificate {certificate:?} is signed in a way that cannot be checked: {algorithm} with a key of {key}"
    )]
    UnsupportedSignature {
        /// Subject of the certificate.
        certificate: String,
        /// Object identifier of the signature algorithm.
        algorithm: String,
        /// The issuer's kind of key.
        key: String,
    },
    /// The issuer may not issue certificates.
    #[error(
        "the issuer {issuer:?} of the certificate {certificate:?} is not a CA that may sign certificates"
    )]
    NotACa {
        /// Subject of the certificate.
        certificate: String,
        /// Subject of the issuer.
        issuer: String,
    },
    /// A CA stands higher in the chain than its path length allows.
    #[error("the CA {issuer:?} allows {allowed} intermediate CAs below it, and there are {found}")]
    PathTooLong {
        /// Subject of the CA.
        issuer: String,
        /// Its path length constraint.
        allowed: u32,
        /// How many there are.
        found: u32,
    },
}

/// Checks that `bundle.certificate` leads, through its intermediates, to one of `roots`, and that every
/// certificate on the way is valid at `now`. Any extended key usage will do, as for kubeadm. Name
/// constraints and revocation are not looked at.
///
/// # Errors
/// The [`ChainError`] of the way that came nearest.
pub fn verify_chain(bundle: &Bundle, roots: &[Certificate], now: OffsetDateTime) -> Result<(), ChainError> {
    Search { intermediates: &bundle.intermediates, roots, now }.climb(&mut vec![&bundle.certificate])
}

impl Certificate {
    /// Checks that `now` is within the validity.
    ///
    /// # Errors
    /// [`ChainError::NotYetValid`] or [`ChainError::Expired`].
    pub fn check_validity(&self, now: OffsetDateTime) -> Result<(), ChainError> {
        let certificate = || self.subject_text().to_owned();
        if now < self.not_before() {
            let not_before = self.not_before();
            return Err(ChainError::NotYetValid { certificate: certificate(), not_before, now });
        }
        if now > self.not_after() {
            return Err(ChainError::Expired { certificate: certificate(), at: self.not_after(), now });
        }
        Ok(())
    }
}

/// No chain that people build is longer; it bounds the search through a hostile bundle.
const LONGEST: usize = 8;

struct Search<'a> {
    intermediates: &'a [Certificate],
    roots: &'a [Certificate],
    now: OffsetDateTime,
}

impl<'a> Search<'a> {
    /// Looks for a way from the last certificate of `path`, the first being the leaf.
    fn climb(&self, path: &mut Vec<&'a Certificate>) -> Result<(), ChainError> {
        let Some(&subject) = path.last() else { return Ok(()) };
        subject.check_validity(self.now)?;
        if self.roots.contains(subject) {
            return Ok(());
        }
        let mut nearest = ChainError::UnknownIssuer {
            certificate: subject.subject_text().to_owned(),
            issuer: subject.issuer_text().to_owned(),
            authorities: self.roots.iter().map(|root| root.subject_text().to_owned()).collect(),
        };
        let candidates = self.roots.iter().chain(self.intermediates);
        for issuer in candidates.filter(|candidate| subject.names_as_issuer(candidate)) {
            if path.len() >= LONGEST || path.contains(&issuer) {
                continue;
            }
            let found = check_issued(subject, issuer, path.len()).and_then(|()| {
                path.push(issuer);
                let way = self.climb(path);
                path.pop();
                way
            });
            match found {
                Ok(()) => return Ok(()),
                // A right signature gets further than a wrong one.
                Err(ChainError::BadSignature { .. })
                    if !matches!(nearest, ChainError::UnknownIssuer { .. }) => {}
                Err(error) => nearest = error,
            }
        }
        Err(nearest)
    }
}

/// Checks that `issuer` may have issued `subject`, and did; `depth` certificates are below `issuer`.
fn check_issued(subject: &Certificate, issuer: &Certificate, depth: usize) -> Result<(), ChainError> {
    let (certificate, by) = (subject.subject_text().to_owned(), issuer.subject_text().to_owned());
    if !issuer.can_sign_certificates() {
        return Err(ChainError::NotACa { certificate, issuer: by });
    }
    // The leaf does not count (RFC 5280 §4.2.1.9).
    let below = u32::try_from(depth.saturating_sub(1)).unwrap_or(u32::MAX);
    match issuer.path_length() {
        Some(allowed) if below > allowed => {
            return Err(ChainError::PathTooLong { issuer: by, allowed, found: below });
        }
        _ => {}
    }
    // Both were parsed when they were loaded, so the first arm is for the compiler.
    let (Ok(signed), Ok(signer)) = (parse_x509(subject.der()), parse_x509(issuer.der())) else {
        return Err(ChainError::BadSignature { certificate, issuer: by });
    };
    match signed.verify_signature(Some(signer.public_key())) {
        Ok(()) => Ok(()),
        Err(X509Error::SignatureUnsupportedAlgorithm) if issuer.key_type() == &KeyType::EcdsaP521 => {
            verify_p521(&signed, signer.public_key())
                .map_err(|_| ChainError::BadSignature { certificate, issuer: by })
        }
        Err(X509Error::SignatureUnsupportedAlgorithm) => Err(ChainError::UnsupportedSignature {
            certificate,
            algorithm: signed.signature_algorithm.algorithm.to_id_string(),
            key: issuer.key_type().to_string(),
        }),
        Err(_) => Err(ChainError::BadSignature { certificate, issuer: by }),
    }
}

/// Checks a signature by a P-521 key, which x509-parser does not know. Go signs with SHA-512, openssl with
/// SHA-256.
fn verify_p521(signed: &X509Certificate<'_>, key: &SubjectPublicKeyInfo<'_>) -> Result<(), Unspecified> {
    let named = &signed.signature_algorithm.algorithm;
    let algorithm = match named {
        _ if *named == OID_SIG_ECDSA_WITH_SHA256 => &ECDSA_P521_SHA256_ASN1,
        _ if *named == OID_SIG_ECDSA_WITH_SHA384 => &ECDSA_P521_SHA384_ASN1,
        _ => &ECDSA_P521_SHA512_ASN1,
    };
    UnparsedPublicKey::new(algorithm, &key.subject_public_key.data)
        .verify(signed.tbs_certificate.as_ref(), &signed.signature_value.data)
}

fn utc(time: &OffsetDateTime) -> String {
    // Certificates speak in seconds.
    let time = time.to_offset(time::UtcOffset::UTC);
    time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

fn list(names: &[String]) -> String {
    match names {
        [] => "any CA, as none is trusted".to_owned(),
        names => names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" or "),
    }
}
