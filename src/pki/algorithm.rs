//! Which keys there are: the ones kubeadm can be asked to make, and the ones found in files.

use std::fmt;
use std::str::FromStr;

use x509_parser::der_parser::oid::Oid;

use super::der;

/// What `encryptionAlgorithm` can say: the kind of every key that is made.
///
/// Source: kubeadm `v1beta4` `ClusterConfiguration.encryptionAlgorithm` (P-384 since 1.34).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA, 2048 bits: kubeadm's default.
    #[default]
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// ECDSA on NIST P-256.
    EcdsaP256,
    /// ECDSA on NIST P-384.
    EcdsaP384,
}

/// A name that is no [`KeyAlgorithm`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown key algorithm {name:?}; known are RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384")]
pub struct UnknownAlgorithm {
    /// The name as given.
    pub name: String,
}

impl KeyAlgorithm {
    /// All algorithms, in the order kubeadm documents them.
    pub const ALL: [Self; 5] =
        [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::EcdsaP256, Self::EcdsaP384];

    /// kubeadm's name, as it stands in a configuration file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA-2048",
            Self::Rsa3072 => "RSA-3072",
            Self::Rsa4096 => "RSA-4096",
            Self::EcdsaP256 => "ECDSA-P256",
            Self::EcdsaP384 => "ECDSA-P384",
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = UnknownAlgorithm;

    /// Reads kubeadm's exact name; case matters, as it does there.
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownAlgorithm { name: name.to_owned() })
    }
}

/// What a public or private key is. Wider than `KeyAlgorithm`, because a user's own CA may have
/// any RSA size, or a key this program cannot sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// RSA with a modulus of this many bits.
    Rsa {
        /// Size of the modulus in bits.
        bits: usize,
    },
    /// ECDSA on NIST P-256.
    EcdsaP256,
    /// ECDSA on NIST P-384.
    EcdsaP384,
    /// ECDSA on NIST P-521: only of keys that users bring.
    EcdsaP521,
    /// Anything else, by its usual name, or its object identifier if it has none here.
    Other(String),
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
            Self::EcdsaP256 => f.write_str("ECDSA-P256"),
            Self::EcdsaP384 => f.write_str("ECDSA-P384"),
            Self::EcdsaP521 => f.write_str("ECDSA-P521"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl KeyType {
    /// The type of a `SubjectPublicKeyInfo` (RFC 5280 §4.1); `None` if the bytes are none.
    pub(super) fn of_public_key(spki: &[u8]) -> Option<Self> {
        let [algorithm, key] = *der::sequence(spki)? else { return None };
        match Family::of(algorithm.encoding)? {
            Family::Rsa => {
                let [modulus, _exponent] = *der::sequence(key.bit_string()?)? else { return None };
                let digits = modulus.content.iter().skip_while(|&&byte| byte == 0);
                let top = digits.clone().next().map_or(0, |byte| byte.leading_zeros() as usize);
                Some(Self::Rsa { bits: digits.count() * 8 - top })
            }
            Family::Ecdsa(curve) => Some(curve),
            Family::Other(name) => Some(Self::Other(name)),
        }
    }
}

/// What an `AlgorithmIdentifier` says of a key, before the key itself is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    Ecdsa(KeyType),
    Other(String),
}

impl Family {
    /// Reads an `AlgorithmIdentifier` (RFC 5280 §4.1.1.2).
    pub(super) fn of(algorithm_identifier: &[u8]) -> Option<Self> {
        let fields = der::sequence(algorithm_identifier)?;
        let (algorithm, parameters) = fields.split_first()?;
        Some(match algorithm.content {
            RSA_ENCRYPTION => Self::Rsa,
            EC_PUBLIC_KEY => Self::Ecdsa(curve(*parameters.first()?)),
            RSA_PSS => Self::Other("RSA-PSS".to_owned()),
            ED25519 => Self::Other("Ed25519".to_owned()),
            oid => Self::Other(dotted(oid)),
        })
    }
}

/// The curve that EC parameters (RFC 5480 §2.1.1) name.
pub(super) fn curve(parameters: der::Element<'_>) -> KeyType {
    match (parameters.tag, parameters.content) {
        (der::OBJECT_IDENTIFIER, SECP256R1) => KeyType::EcdsaP256,
        (der::OBJECT_IDENTIFIER, SECP384R1) => KeyType::EcdsaP384,
        (der::OBJECT_IDENTIFIER, SECP224R1) => KeyType::Other("ECDSA-P224".to_owned()),
        (der::OBJECT_IDENTIFIER, SECP521R1) => KeyType::EcdsaP521,
        (der::OBJECT_IDENTIFIER, oid) => KeyType::Other(format!("ECDSA on curve {}", dotted(oid))),
        // RFC 5480 forbids curves that are spelled out, and Go does not read them either.
        _ => KeyType::Other("ECDSA with explicit curve parameters".to_owned()),
    }
}

fn dotted(oid: &[u8]) -> String {
    format!("the algorithm {}", Oid::new(oid.into()).to_id_string())
}

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const SECP224R1: &[u8] = &[0x2b, 0x81, 4, 0, 33];
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const SECP384R1: &[u8] = &[0x2b, 0x81, 4, 0, 34];
const SECP521R1: &[u8] = &[0x2b, 0x81, 4, 0, 35];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!(KeyAlgorithm::default().name(), "RSA-2048");
        let error = "rsa-2048".parse::<KeyAlgorithm>().unwrap_err();
        assert!(error.to_string().contains("\"rsa-2048\"") && error.to_string().contains("ECDSA-P384"));
    }

    #[test]
    fn measures_the_modulus_in_bits() {
        let algorithm =
            der::element(der::SEQUENCE, &[&der::element(der::OBJECT_IDENTIFIER, &[RSA_ENCRYPTION])]);
        let spki = |modulus: &[u8]| {
            let modulus = der::element(der::INTEGER, &[modulus]);
            let key = der::element(der::SEQUENCE, &[&modulus, &der::element(der::INTEGER, &[&[3]])]);
            der::element(der::SEQUENCE, &[&algorithm, &der::element(der::BIT_STRING, &[&[0], &key])])
        };
        assert_eq!(KeyType::of_public_key(&spki(&[0, 0x80, 1])), Some(KeyType::Rsa { bits: 16 }));
        assert_eq!(KeyType::of_public_key(&spki(&[0x40, 1])), Some(KeyType::Rsa { bits: 15 }));
        assert_eq!(KeyType::of_public_key(&spki(&[0])), Some(KeyType::Rsa { bits: 0 }));
        assert_eq!(KeyType::of_public_key(b"garbage"), None);
    }
}
