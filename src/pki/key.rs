//! Private keys: making, reading and writing them.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::algorithm::{Family, KeyAlgorithm, KeyType, curve};
use super::der;
use super::pem_text::{self, PemError};
use crate::hex::hex;

/// Why a private key could not be had. No variant carries any of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file is not whole PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The file has no private key block.
    #[error("there is no private key in it, {}", pem_text::describe(.found))]
    NoPrivateKey {
        /// The labels of the blocks that are there.
        found: Vec<String>,
    },
    /// The key needs a passphrase, which nothing in a control plane could give.
    #[error("the private key is encrypted; Kubernetes components need it unencrypted")]
    Encrypted,
    /// The key is whole, but of a kind that is not supported.
    #[error(
        "the private key is {found}; supported are RSA (2048 to 8192 bits) and ECDSA on P-256, P-384 and P-521"
    )]
    Unsupported {
        /// The kind of key that is there.
        found: String,
    },
    /// An RSA key that is too short to sign certificates with here. Kubernetes' components still sign tokens with it.
    #[error("the private key is RSA of fewer than 2048 bits: too short to sign certificates with")]
    ShortRsa,
    /// The content of the block is no key of the kind that it claims to be.
    #[error("the content of the {label} block is not a valid {kind} private key ({reason})")]
    Invalid {
        /// The label of the PEM block.
        label: String,
        /// The kind of key: RSA or ECDSA.
        kind: &'static str,
        /// The crypto library's word for it.
        reason: String,
    },
    /// The crypto library could not make, write or use a key: no memory or no randomness.
    #[error("the crypto library failed to {action} {kind} key")]
    Crypto {
        /// What it was asked to do, as a verb and an article.
        action: &'static str,
        /// The kind of the key.
        kind: String,
    },
}

/// A private key that can sign certificates. Its memory is cleared when it is dropped, and its
/// `Debug` shows the kind and nothing else.
#[derive(Clone)]
pub struct PrivateKey {
    pair: Pair,
    key_type: KeyType,
    spki: Vec<u8>,
}

#[derive(Clone)]
enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

/// A private key as PEM text: cleared from memory when dropped, not shown by `Debug`.
#[derive(Clone)]
pub struct PrivateKeyPem(Zeroizing<String>);

impl PrivateKeyPem {
    /// The text, to be written to a file that only its owner can read.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyPem(..)")
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, ..)", self.key_type)
    }
}

impl PrivateKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the crypto library has no randomness or memory.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Crypto { action: "generate an", kind: algorithm.to_string() };
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa);
        let ecdsa = |curve| EcdsaKeyPair::generate(curve).map(Pair::Ecdsa);
        let pair = match algorithm {
            KeyAlgorithm::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyAlgorithm::Rsa3072 => rsa(KeySize::Rsa3072),
            KeyAlgorithm::Rsa4096 => rsa(KeySize::Rsa4096),
            KeyAlgorithm::EcdsaP256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyAlgorithm::EcdsaP384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
        };
        Self::new(pair.map_err(failed)?)
    }

    /// Reads the first private key of a PEM file: PKCS#1 (`RSA PRIVATE KEY`), SEC1
    /// (`EC PRIVATE KEY`) or PKCS#8 (`PRIVATE KEY`). Other blocks, such as openssl's
    /// `EC PARAMETERS`, are passed over.
    ///
    /// # Errors
    /// Every [`KeyError`] but `Crypto`: what the file holds instead, or what is wrong with the key.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let blocks = pem_text::blocks(text)?;
        let found = pem_text::labels(&blocks);
        let Some(block) = blocks.into_iter().find(|block| block.tag().ends_with("PRIVATE KEY")) else {
            return Err(KeyError::NoPrivateKey { found });
        };
        // RFC 1421's way to encrypt, still openssl's for PKCS#1 and SEC1, has a header that says so.
        if block.tag() == "ENCRYPTED PRIVATE KEY" || block.headers().get("DEK-Info").is_some() {
            return Err(KeyError::Encrypted);
        }
        let label = block.tag().to_owned();
        let der = &*Zeroizing::new(block.into_contents());
        let invalid =
            |kind, reason: &str| KeyError::Invalid { label: label.clone(), kind, reason: reason.to_owned() };
        let family = match label.as_str() {
            "RSA PRIVATE KEY" => Family::Rsa,
            "EC PRIVATE KEY" => {
                Family::Ecdsa(sec1_curve(der).ok_or_else(|| invalid("ECDSA", "no curve is named"))?)
            }
            "PRIVATE KEY" => pkcs8_family(der).ok_or_else(|| invalid("PKCS#8", "its structure is broken"))?,
            other => return Err(KeyError::Unsupported { found: format!("a {other} block") }),
        };
        let ecdsa = |curve: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_der(curve, der).map(Pair::Ecdsa)
        };
        let (kind, pair) = match family {
            Family::Rsa if label == "PRIVATE KEY" => ("RSA", RsaKeyPair::from_pkcs8(der).map(Pair::Rsa)),
            Family::Rsa => ("RSA", RsaKeyPair::from_der(der).map(Pair::Rsa)),
            Family::Ecdsa(KeyType::EcdsaP256) => ("ECDSA", ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)),
            Family::Ecdsa(KeyType::EcdsaP384) => ("ECDSA", ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)),
            Family::Ecdsa(KeyType::EcdsaP521) => ("ECDSA", ecdsa(&ECDSA_P521_SHA512_ASN1_SIGNING)),
            Family::Ecdsa(other) => return Err(KeyError::Unsupported { found: other.to_string() }),
            Family::Other(found) => return Err(KeyError::Unsupported { found }),
        };
        Self::new(pair.map_err(|rejected| match rejected.to_string().as_str() {
            "TooSmall" => KeyError::ShortRsa,
            "TooLarge" => KeyError::Unsupported { found: format!("{kind} of more than 8192 bits") },
            reason => invalid(kind, reason),
        })?)
    }

    fn new(pair: Pair) -> Result<Self, KeyError> {
        let spki = match &pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
        };
        let spki = spki.map(|der| der.as_ref().to_vec()).ok();
        let key_type = spki.as_deref().and_then(KeyType::of_public_key);
        match (spki, key_type) {
            (Some(spki), Some(key_type)) => Ok(Self { pair, key_type, spki }),
            _ => Err(KeyError::Crypto {
                action: "write the public half of the",
                kind: pair.family().to_owned(),
            }),
        }
    }

    /// The key as kubeadm writes it: PKCS#1 for RSA, SEC1 with named curve and public key for ECDSA.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the crypto library has no memory.
    pub fn to_pem(&self) -> Result<PrivateKeyPem, KeyError> {
        let failed = || KeyError::Crypto { action: "write the", kind: self.pair.family().to_owned() };
        let text = match &self.pair {
            Pair::Rsa(pair) => {
                let pkcs8 = pair.as_der().map_err(|_| failed())?;
                // PKCS#8 (RFC 5208): version, algorithm, and PKCS#1 inside an OCTET STRING.
                let pkcs1 = match der::sequence(pkcs8.as_ref()).as_deref() {
                    Some([_, _, key, ..]) if key.tag == der::OCTET_STRING => key.content,
                    _ => return Err(failed()),
                };
                pem_text::encode("RSA PRIVATE KEY", pkcs1)
            }
            Pair::Ecdsa(pair) => {
                let sec1 = pair.private_key().as_der().map_err(|_| failed())?;
                pem_text::encode("EC PRIVATE KEY", sec1.as_ref())
            }
        };
        Ok(PrivateKeyPem(Zeroizing::new(text)))
    }

    /// The public half as PKIX `PUBLIC KEY` PEM: the content of `sa.pub`.
    pub fn public_key_pem(&self) -> String {
        pem_text::encode("PUBLIC KEY", &self.spki)
    }

    /// The public half as a DER `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The public key pin of kubeadm's discovery: `sha256:` and the hash of [`Self::spki_der`] in hex.
    pub fn spki_sha256(&self) -> String {
        spki_sha256(&self.spki)
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> &KeyType {
        &self.key_type
    }

    /// Signs with the algorithm that belongs to the key: RSA PKCS#1 v1.5 with SHA-256, ECDSA P-256
    /// with SHA-256, P-384 with SHA-384, P-521 with SHA-512. So do Go and kubeadm.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map(|()| signature)
            }
            Pair::Ecdsa(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
        };
        signature
            .map_err(|_| KeyError::Crypto { action: "sign with the", kind: self.pair.family().to_owned() })
    }

    /// The public key as it stands in the BIT STRING of an SPKI.
    pub(super) fn public_key_bytes(&self) -> &[u8] {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ecdsa(pair) => pair.public_key().as_ref(),
        }
    }

    /// rcgen's name for what [`Self::sign`] does.
    pub(super) fn signature_algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match (&self.pair, &self.key_type) {
            (Pair::Rsa(_), _) => &rcgen::PKCS_RSA_SHA256,
            (Pair::Ecdsa(_), KeyType::EcdsaP384) => &rcgen::PKCS_ECDSA_P384_SHA384,
            (Pair::Ecdsa(_), KeyType::EcdsaP521) => &rcgen::PKCS_ECDSA_P521_SHA512,
            (Pair::Ecdsa(_), _) => &rcgen::PKCS_ECDSA_P256_SHA256,
        }
    }
}

impl Pair {
    fn family(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ecdsa(_) => "ECDSA",
        }
    }
}

/// `sha256:` and the hash of a `SubjectPublicKeyInfo` in hex, as kubeadm's `--discovery-token-ca-cert-hash`.
pub(super) fn spki_sha256(spki: &[u8]) -> String {
    format!("sha256:{}", hex(digest(&SHA256, spki).as_ref()))
}

/// The curve that a SEC1 `ECPrivateKey` (RFC 5915) names in its field `[0]`.
fn sec1_curve(der: &[u8]) -> Option<KeyType> {
    let parameters = der::sequence(der)?.into_iter().find(|field| field.tag == der::CONTEXT_0)?;
    Some(curve(*der::elements(parameters.content)?.first()?))
}

/// The kind of key that a PKCS#8 `PrivateKeyInfo` (RFC 5208) says it holds.
fn pkcs8_family(der: &[u8]) -> Option<Family> {
    Family::of(der::sequence(der)?.get(1)?.encoding)
}
