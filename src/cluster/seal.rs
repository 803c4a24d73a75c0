//! How the certificates in the Secret `kubeadm-certs` are encrypted: AES-256-GCM, as kubeadm lays it out, so that
//! `kubeadm join` can read it: nonce (12 bytes), ciphertext, tag (16 bytes); no additional data.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::hex::hex;

/// The key that encrypts the certificates. Written as 64 hex digits.
#[derive(Clone)]
pub(crate) struct CertificateKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for CertificateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateKey(…)")
    }
}

/// A text that is no certificate key; the text itself is a secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "a certificate key is 64 hexadecimal digits (32 bytes): make one with `kubestrap certs certificate-key`"
)]
pub(crate) struct CertificateKeyError;

/// What failed while encrypting or decrypting.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
    /// aws-lc-rs refused.
    #[error("AES-256-GCM failed")]
    Cipher,
    /// The key does not fit the data, or the data was changed.
    #[error(
        "the certificate key does not decrypt this: it is another one than the certificates were uploaded with"
    )]
    WrongKey,
}

impl FromStr for CertificateKey {
    type Err = CertificateKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = Zeroizing::new([0u8; 32]);
        if text.len() != 64 {
            return Err(CertificateKeyError);
        }
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = digits else { return Err(CertificateKeyError) };
            let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
            *byte = digit(*high).zip(digit(*low)).map(|(h, l)| h * 16 + l).ok_or(CertificateKeyError)?;
        }
        Ok(Self(key))
    }
}

impl CertificateKey {
    /// A new random key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0u8; 32]);
        aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| SealError::Randomness)?;
        Ok(Self(key))
    }

    /// The key as text: a secret, for the join command only.
    pub(crate) fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&*self.0))
    }

    /// Encrypts with a fresh nonce.
    ///
    /// # Errors
    /// When there is no randomness, or the cipher fails.
    pub(crate) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealError::Randomness)?;
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                text.as_mut_slice(),
            )
            .map_err(|_| SealError::Cipher)?;
        Ok([nonce.as_slice(), text.as_slice(), tag.as_ref()].concat())
    }

    /// Decrypts.
    ///
    /// # Errors
    /// When it was not encrypted with this key.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::WrongKey)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut text)
            .map_err(|_| SealError::WrongKey)?
            .len();
        text.truncate(plain);
        Ok(text)
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let (key, other) = (CertificateKey::generate().unwrap(), CertificateKey::generate().unwrap());
        let sealed = key.seal(b"certificate").unwrap();
        assert_eq!(sealed.len(), 12 + 11 + 16);
        assert_ne!(sealed, key.seal(b"certificate").unwrap(), "the nonce is fresh");
        let again: CertificateKey = key.expose().parse().unwrap();
        assert_eq!(again.open(&sealed).unwrap().as_slice(), b"certificate");
        assert!(other.open(&sealed).is_err() && key.open(&sealed[..11]).is_err());
    }

    #[test]
    fn the_layout_is_that_of_go_s_gcm() {
        // The last case for AES-256 without additional data in the GCM specification (McGrew, Viega: test case 15).
        let key: CertificateKey =
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308".parse().unwrap();
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
        };
        let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
        let sealed = "cafebabefacedbaddecaf888522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c";
        assert_eq!(*key.open(&bytes(sealed)).unwrap(), bytes(plain));
    }

    #[test]
    fn keys_are_64_hex_digits_and_never_shown() {
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<CertificateKey>().is_err(), "{bad}");
        }
        let key: CertificateKey = "ab".repeat(32).parse().unwrap();
        assert!(!format!("{key:?}").contains("ab"));
    }
}
