//! What a certificate says.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use time::OffsetDateTime;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::algorithm::KeyType;
use super::der;
use super::key::{PrivateKey, spki_sha256};
use super::name::Subject;
use super::pem_text;
use crate::hex::hex;

/// An X.509 certificate: its bytes and what they say. Two are equal when their bytes are.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    subject: Name,
    issuer: Name,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    serial: Vec<u8>,
    spki: Vec<u8>,
    key_type: KeyType,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    ca: Option<Authority>,
    extended_key_usages: Vec<ExtendedKeyUsage>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
}

#[derive(Clone)]
struct Name {
    der: Vec<u8>,
    text: String,
    subject: Subject,
}

#[derive(Clone, Copy)]
struct Authority {
    path_length: Option<u32>,
    signs_certificates: bool,
}

/// What a key may be used for (RFC 5280 §4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtendedKeyUsage {
    /// serverAuth: a TLS server.
    ServerAuth,
    /// clientAuth: a TLS client.
    ClientAuth,
    /// anyExtendedKeyUsage.
    Any,
    /// Another, by its object identifier or usual name.
    Other(String),
}

impl Certificate {
    /// Reads exactly one certificate; the error is the reason in words.
    pub(super) fn parse(der: &[u8]) -> Result<Self, String> {
        let x509 = parse_x509(der)?;
        let invalid = |what: &str| format!("its {what} cannot be read");
        let mut sans = (Vec::new(), Vec::new());
        let san_extension =
            x509.subject_alternative_name().map_err(|_| invalid("subject alternative name"))?;
        for name in san_extension.iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::DNSName(name) => sans.0.push((*name).to_owned()),
                GeneralName::IPAddress(octets) => {
                    sans.1.push(ip_address(octets).ok_or_else(|| invalid("IP address"))?);
                }
                _ => {}
            }
        }
        let spki = x509.public_key().raw.to_vec();
        Ok(Self {
            subject: Name::of(x509.subject()),
            issuer: Name::of(x509.issuer()),
            not_before: x509.validity().not_before.to_datetime(),
            not_after: x509.validity().not_after.to_datetime(),
            serial: x509.raw_serial().to_vec(),
            key_type: KeyType::of_public_key(&spki).ok_or_else(|| invalid("public key"))?,
            spki,
            dns_names: sans.0,
            ip_addresses: sans.1,
            ca: Authority::of(&x509).ok_or_else(|| invalid("basic constraints or key usage"))?,
            extended_key_usages: extended_key_usages(&x509).ok_or_else(|| invalid("extended key usage"))?,
            subject_key_id: x509.iter_extensions().find_map(|e| match e.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            }),
            authority_key_id: x509.iter_extensions().find_map(|e| match e.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    id.key_identifier.as_ref().map(|id| id.0.to_vec())
                }
                _ => None,
            }),
            der: der.to_vec(),
        })
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as a PEM `CERTIFICATE` block.
    pub fn to_pem(&self) -> String {
        pem_text::encode("CERTIFICATE", &self.der)
    }

    /// CN and O of the subject. With several CNs the last one counts, as in Go.
    pub fn subject(&self) -> &Subject {
        &self.subject.subject
    }

    /// CN and O of the issuer.
    pub fn issuer(&self) -> &Subject {
        &self.issuer.subject
    }

    /// The whole subject in words, all attributes included.
    pub fn subject_text(&self) -> &str {
        &self.subject.text
    }

    /// The whole issuer in words.
    pub fn issuer_text(&self) -> &str {
        &self.issuer.text
    }

    /// The DER `Name` of the subject.
    pub(super) fn subject_der(&self) -> &[u8] {
        &self.subject.der
    }

    /// True if `issuer` has the name that this certificate gives for its issuer.
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.issuer.der == issuer.subject.der
    }

    /// The DNS names that it is valid for, in file order.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The IP addresses that it is valid for, in file order.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.ip_addresses
    }

    /// First second of its validity, UTC.
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// Last second of its validity, UTC.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// True if the basic constraints say `CA:TRUE`: Go's `IsCA`, which kubeadm asks for.
    pub fn is_ca(&self) -> bool {
        self.ca.is_some()
    }

    /// True if it is a CA and its key usage, where it has one, allows to sign certificates.
    pub fn can_sign_certificates(&self) -> bool {
        self.ca.is_some_and(|ca| ca.signs_certificates)
    }

    /// How many intermediates may stand between this CA and a leaf; `None` is any number.
    pub fn path_length(&self) -> Option<u32> {
        self.ca.and_then(|ca| ca.path_length)
    }

    /// What its key may be used for; empty when it does not say.
    pub fn extended_key_usages(&self) -> &[ExtendedKeyUsage] {
        &self.extended_key_usages
    }

    /// What kind of key it is for.
    pub fn key_type(&self) -> &KeyType {
        &self.key_type
    }

    /// Its public key as a DER `SubjectPublicKeyInfo`.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The public key pin of kubeadm's discovery, `sha256:<hex>`.
    pub fn spki_sha256(&self) -> String {
        spki_sha256(&self.spki)
    }

    /// The serial number in hex, without leading zero bytes.
    pub fn serial_hex(&self) -> String {
        let leading = self.serial.iter().take_while(|&&byte| byte == 0).count();
        hex(self.serial.get(leading.min(self.serial.len().saturating_sub(1))..).unwrap_or_default())
    }

    /// SHA-256 over the whole certificate, in hex.
    pub fn fingerprint_sha256(&self) -> String {
        hex(digest(&SHA256, &self.der).as_ref())
    }

    /// The subject key identifier (SKI), if it has one.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.subject_key_id.as_deref()
    }

    /// The key identifier of its issuer (AKI), if it has one.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.authority_key_id.as_deref()
    }

    /// True if `key` is the private half of this certificate's key.
    pub fn matches_key(&self, key: &PrivateKey) -> bool {
        // The key itself, not the whole structure: writers differ in how they spell the algorithm.
        self.key_type == *key.key_type()
            && public_key_bits(&self.spki).is_some_and(|bits| public_key_bits(key.spki_der()) == Some(bits))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject.text)
            .field("issuer", &self.issuer.text)
            .field("serial", &self.serial_hex())
            .finish_non_exhaustive()
    }
}

impl Name {
    fn of(name: &X509Name<'_>) -> Self {
        let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
            attribute
                .as_str()
                .map_or_else(|_| String::from_utf8_lossy(attribute.as_slice()).into_owned(), str::to_owned)
        };
        let subject = Subject {
            common_name: name.iter_common_name().last().map(text).unwrap_or_default(),
            organizations: name.iter_organization().map(text).collect(),
        };
        Self { der: name.as_raw().to_vec(), text: name.to_string(), subject }
    }
}

impl Authority {
    /// The outer `None` is an extension that cannot be read, the inner one a certificate of no CA.
    fn of(x509: &X509Certificate<'_>) -> Option<Option<Self>> {
        let constraints = x509.basic_constraints().ok()?.filter(|extension| extension.value.ca);
        let usage = x509.key_usage().ok()?;
        Some(constraints.map(|constraints| Self {
            path_length: constraints.value.path_len_constraint,
            signs_certificates: usage.is_none_or(|usage| usage.value.key_cert_sign()),
        }))
    }
}

/// The content of a public key's BIT STRING.
pub(super) fn public_key_bits(spki: &[u8]) -> Option<&[u8]> {
    der::sequence(spki)?.get(1)?.bit_string()
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

fn extended_key_usages(x509: &X509Certificate<'_>) -> Option<Vec<ExtendedKeyUsage>> {
    let Some(extension) = x509.extended_key_usage().ok()? else { return Some(Vec::new()) };
    let usage = extension.value;
    let named = [
        (usage.server_auth, ExtendedKeyUsage::ServerAuth),
        (usage.client_auth, ExtendedKeyUsage::ClientAuth),
        (usage.any, ExtendedKeyUsage::Any),
        (usage.code_signing, ExtendedKeyUsage::Other("codeSigning".to_owned())),
        (usage.email_protection, ExtendedKeyUsage::Other("emailProtection".to_owned())),
        (usage.time_stamping, ExtendedKeyUsage::Other("timeStamping".to_owned())),
        (usage.ocsp_signing, ExtendedKeyUsage::Other("OCSPSigning".to_owned())),
    ];
    let named = named.into_iter().filter_map(|(present, usage)| present.then_some(usage));
    Some(named.chain(usage.other.iter().map(|oid| ExtendedKeyUsage::Other(oid.to_id_string()))).collect())
}

/// The parsed form, valid as long as `der`; for what [`Certificate`] does not keep.
pub(super) fn parse_x509(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok((rest, _)) => Err(format!("{} bytes follow it", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}
