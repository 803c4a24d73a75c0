//! Reading certificate files.

use super::certificate::Certificate;
use super::pem_text::{self, PemError};

/// Why a certificate could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file is not whole PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The file has no `CERTIFICATE` block.
    #[error("there is no certificate in it, {}", pem_text::describe(.found))]
    NoCertificate {
        /// The labels of the blocks that are there.
        found: Vec<String>,
    },
    /// A certificate's DER is broken.
    #[error("certificate number {number} in it is not a valid X.509 certificate: {reason}")]
    Malformed {
        /// Which certificate of the file, counted from 1.
        number: usize,
        /// What the parser stumbled over.
        reason: String,
    },
}

/// The certificates of one file: the one that it is about, and the intermediates that lead from it
/// towards its root. kubeadm reads its certificate files so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The first certificate of the file.
    pub certificate: Certificate,
    /// The others, in order.
    pub intermediates: Vec<Certificate>,
}

impl Bundle {
    /// Reads all `CERTIFICATE` blocks of a PEM file. Text around them and other blocks are skipped.
    ///
    /// # Errors
    /// [`LoadError`]: a file that is cut or damaged anywhere is refused, even if its first
    /// certificate is whole.
    pub fn from_pem(text: &[u8]) -> Result<Self, LoadError> {
        let blocks = pem_text::blocks(text)?;
        let mut certificates = blocks
            .iter()
            .filter(|block| block.tag() == "CERTIFICATE")
            .enumerate()
            .map(|(index, block)| {
                Certificate::parse(block.contents())
                    .map_err(|reason| LoadError::Malformed { number: index + 1, reason })
            })
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        let Some(certificate) = certificates.next() else {
            return Err(LoadError::NoCertificate { found: pem_text::labels(&blocks) });
        };
        Ok(Self { certificate, intermediates: certificates.collect() })
    }

    /// All certificates, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.certificate).chain(&self.intermediates)
    }

    /// The whole file again, without the text around the blocks.
    pub fn to_pem(&self) -> String {
        self.iter().map(Certificate::to_pem).collect()
    }
}

impl From<Certificate> for Bundle {
    fn from(certificate: Certificate) -> Self {
        Self { certificate, intermediates: Vec::new() }
    }
}

impl Certificate {
    /// The first certificate of a PEM file: all that kubeadm looks at in a CA's file.
    ///
    /// # Errors
    /// As [`Bundle::from_pem`].
    pub fn from_pem(text: &[u8]) -> Result<Self, LoadError> {
        Bundle::from_pem(text).map(|bundle| bundle.certificate)
    }

    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// [`LoadError::Malformed`] when the bytes are not exactly one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, LoadError> {
        Self::parse(der).map_err(|reason| LoadError::Malformed { number: 1, reason })
    }
}
