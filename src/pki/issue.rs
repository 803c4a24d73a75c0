//! Making certificates and certificate requests, as kubeadm makes them.
//!
//! rcgen lays out every structure. It has two limits that matter here: a name has at most one value of
//! each type, so that a second O, or a CA with several OUs, cannot be said; and an issuer's name is
//! written again from its parts, so that it may differ from the CA's own by its string types. Chains are
//! matched by the bytes of names (RFC 5280 §7.1 allows it, Go does it). So rcgen gets the structure
//! without a signature, the names are put in as bytes, and then the result is signed, once.

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::{OffsetDateTime, UtcOffset};

use super::certificate::{Certificate, public_key_bits};
use super::der;
use super::issue_error::IssueError;
use super::key::{KeyError, PrivateKey};
use super::pem_text;
use super::serial;
use super::spec::{CertificateSpec, Usages};

/// A CA certificate with its key: what signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuer<'a> {
    certificate: &'a Certificate,
    key: &'a PrivateKey,
}

impl<'a> Issuer<'a> {
    /// Pairs a CA certificate with its key.
    ///
    /// # Errors
    /// [`IssueError::NotACa`] and [`IssueError::KeyMismatch`].
    pub(crate) fn new(certificate: &'a Certificate, key: &'a PrivateKey) -> Result<Self, IssueError> {
        let subject = || certificate.subject_text().to_owned();
        if !certificate.can_sign_certificates() {
            return Err(IssueError::NotACa { certificate: subject() });
        }
        if !certificate.matches_key(key) {
            return Err(IssueError::KeyMismatch {
                certificate: subject(),
                certificate_key: certificate.spki_sha256(),
                key: key.spki_sha256(),
            });
        }
        Ok(Self { certificate, key })
    }
}

/// Issues a certificate for the public half of `key`.
///
/// Its authority key identifier is the CA's subject key identifier, whatever that is, and absent when
/// the CA has none. It is not clamped to the validity of the CA, as kubeadm does not clamp it.
///
/// # Errors
/// [`IssueError`].
pub(crate) fn issue(
    spec: &CertificateSpec,
    key: &PrivateKey,
    issuer: &Issuer<'_>,
) -> Result<Certificate, IssueError> {
    let authority_key_id = issuer.certificate.subject_key_id();
    make(spec, key, issuer.certificate.subject_der(), authority_key_id, issuer.key, None)
}

/// Issues a certificate for a CA that has one already: what the CA signs leads over it to `issuer`. `key` is the CA's.
///
/// # Errors
/// [`IssueError`].
pub(crate) fn cross_sign(
    ca: &Certificate,
    key: &PrivateKey,
    validity: (OffsetDateTime, OffsetDateTime),
    issuer: &Issuer<'_>,
) -> Result<Certificate, IssueError> {
    Issuer::new(ca, key)?;
    let spec = CertificateSpec {
        subject: ca.subject().clone(),
        dns_names: vec![],
        ip_addresses: vec![],
        usages: Usages::Ca,
        not_before: validity.0,
        not_after: validity.1,
    };
    let authority_key_id = issuer.certificate.subject_key_id();
    // By it, OpenSSL finds the issuer of what the CA signed.
    let id = ca.subject_key_id();
    make(&spec, key, issuer.certificate.subject_der(), authority_key_id, issuer.key, id)
}

/// Makes a CA certificate for `key`, signed by itself, with CA extensions whatever `spec.usages` says.
/// [`CertificateSpec::ca`] gives kubeadm's `spec`.
///
/// # Errors
/// [`IssueError`].
pub(crate) fn self_sign_ca(spec: &CertificateSpec, key: &PrivateKey) -> Result<Certificate, IssueError> {
    let spec = CertificateSpec { usages: Usages::Ca, ..spec.clone() };
    make(&spec, key, &spec.subject.to_der(), None, key, None)
}

/// A PEM `CERTIFICATE REQUEST` (PKCS#10) for the subject and names of `spec`. It asks for no usages, as
/// kubeadm's does not: they are the signer's to decide.
///
/// # Errors
/// [`IssueError`].
pub(crate) fn certificate_request(spec: &CertificateSpec, key: &PrivateKey) -> Result<String, IssueError> {
    let laid_out = base_params(spec)?.serialize_request(&Unsigned(key)).map_err(layout_error(spec))?;
    // CertificationRequestInfo (RFC 2986 §4.1): version, subject, key, attributes.
    let signed = sign(laid_out.der(), &[(1, &spec.subject.to_der())], key)?;
    let der = signed.ok_or_else(|| layout_error(spec)("its structure is unknown"))?;
    Ok(pem_text::encode("CERTIFICATE REQUEST", &der))
}

fn make(
    spec: &CertificateSpec,
    key: &PrivateKey,
    issuer_name: &[u8],
    authority_key_id: Option<&[u8]>,
    signer: &PrivateKey,
    subject_key_id: Option<&[u8]>,
) -> Result<Certificate, IssueError> {
    let mut params = certificate_params(spec, key)?;
    if let Some(id) = subject_key_id {
        params.key_identifier_method = KeyIdMethod::PreSpecified(id.to_vec());
    }
    params.use_authority_key_identifier_extension = authority_key_id.is_some();
    let mut issuer = CertificateParams::default();
    issuer.key_identifier_method = KeyIdMethod::PreSpecified(authority_key_id.unwrap_or_default().to_vec());
    let issuer = rcgen::Issuer::new(issuer, Unsigned(signer));
    let laid_out = params.signed_by(&Unsigned(key), &issuer).map_err(layout_error(spec))?;
    // TBSCertificate (RFC 5280 §4.1): version, serial, algorithm, issuer, validity, subject, …
    let signed = sign(laid_out.der(), &[(3, issuer_name), (5, &spec.subject.to_der())], signer)?;
    let der = signed.ok_or_else(|| layout_error(spec)("its structure is unknown"))?;
    Certificate::from_der(&der).map_err(layout_error(spec))
}

/// What a certificate and a request have in common.
fn base_params(spec: &CertificateSpec) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    // Replaced later; here it only tells rcgen whether the names must be critical.
    params.distinguished_name = DistinguishedName::new();
    if !spec.subject.is_empty() {
        params.distinguished_name.push(DnType::CommonName, "");
    }
    for name in &spec.dns_names {
        let dns = name.as_str().try_into().map_err(|_| IssueError::InvalidDnsName { name: name.clone() })?;
        params.subject_alt_names.push(SanType::DnsName(dns));
    }
    // Go writes an IPv4 address in IPv6 clothes as IPv4.
    let addresses = spec.ip_addresses.iter().map(|address| SanType::IpAddress(address.to_canonical()));
    params.subject_alt_names.extend(addresses);
    Ok(params)
}

fn certificate_params(spec: &CertificateSpec, key: &PrivateKey) -> Result<CertificateParams, IssueError> {
    let mut params = base_params(spec)?;
    (params.not_before, params.not_after) = validity(spec)?;
    let serial = serial::random().map_err(|_| IssueError::NoRandomness)?;
    params.serial_number = Some(SerialNumber::from(serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    let (server, client) = (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
    params.extended_key_usages = match spec.usages {
        Usages::Server => vec![server],
        Usages::Client => vec![client],
        Usages::Both => vec![server, client],
        Usages::Ca => Vec::new(),
    };
    if spec.usages == Usages::Ca {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // RFC 7093 §2 method 1, as Go: over the bits of the key, where rcgen takes the whole structure.
        let bits = public_key_bits(key.spki_der()).unwrap_or_default();
        let id = digest(&SHA256, bits).as_ref().iter().take(20).copied().collect();
        params.key_identifier_method = KeyIdMethod::PreSpecified(id);
    } else {
        // CA:FALSE spelled out: rcgen's own way to say it adds a subject key identifier.
        let mut no_ca = CustomExtension::from_oid_content(&[2, 5, 29, 19], der::element(der::SEQUENCE, &[]));
        no_ca.set_criticality(true);
        params.custom_extensions.push(no_ca);
    }
    Ok(params)
}

/// The validity in UTC, if a certificate can say it (RFC 5280 §4.1.2.5).
fn validity(spec: &CertificateSpec) -> Result<(OffsetDateTime, OffsetDateTime), IssueError> {
    let utc = |time: OffsetDateTime| {
        time.checked_to_offset(UtcOffset::UTC).filter(|time| (1950..=9999).contains(&time.year()))
    };
    match (utc(spec.not_before), utc(spec.not_after)) {
        (Some(from), Some(to)) if from <= to => Ok((from, to)),
        _ => Err(IssueError::InvalidValidity { not_before: spec.not_before, not_after: spec.not_after }),
    }
}

/// Replaces fields of the part to be signed by their index, and signs it. `laid_out` is a sequence of
/// that part, the algorithm, and a signature that is thrown away; `None` when it is not.
fn sign(laid_out: &[u8], replace: &[(usize, &[u8])], key: &PrivateKey) -> Result<Option<Vec<u8>>, KeyError> {
    let Some(Ok([content, algorithm, _])) = der::sequence(laid_out).map(<[der::Element<'_>; 3]>::try_from)
    else {
        return Ok(None);
    };
    let Some(fields) = der::sequence(content.encoding) else { return Ok(None) };
    let mut fields: Vec<&[u8]> = fields.iter().map(|field| field.encoding).collect();
    for (index, value) in replace {
        let Some(field) = fields.get_mut(*index) else { return Ok(None) };
        *field = value;
    }
    let content = der::element(der::SEQUENCE, &fields);
    let signature = der::element(der::BIT_STRING, &[&[0], &key.sign(&content)?]);
    Ok(Some(der::element(der::SEQUENCE, &[&content, algorithm.encoding, &signature])))
}

fn layout_error<E: ToString>(spec: &CertificateSpec) -> impl Fn(E) -> IssueError {
    let subject = spec.subject.to_string();
    move |reason| IssueError::Layout { subject: subject.clone(), reason: reason.to_string() }
}

/// A key that rcgen may look at, and that signs nothing.
struct Unsigned<'a>(&'a PrivateKey);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.signature_algorithm()
    }
}

impl SigningKey for Unsigned<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}
