//! The PKI: keys, certificates and requests as kubeadm makes them, and the checks on those that exist.
//!
//! Bytes in, bytes out: nothing here touches a file, a clock or the terminal.
//!
//! - [`table`]: which certificates a control plane has
//! - [`KeyAlgorithm`], [`PrivateKey`], [`KeyPool`]: keys
//! - [`CertificateSpec`], [`issue()`], [`self_sign_ca`], [`certificate_request`]: making
//! - [`Bundle`], [`Certificate`]: reading
//! - [`verify_chain`], [`check_sans`], [`Certificate::matches_key`]: checking
//!
//! Keys, signatures and randomness all come from aws-lc-rs, rcgen's and rustls's provider too.

mod algorithm;
mod certificate;
mod der;
mod issue;
mod key;
mod load;
mod name;
mod pem_text;
mod pool;
mod sans;
mod serial;
mod spec;
pub mod table;
mod verify;

#[cfg(test)]
mod tests;

pub use algorithm::{KeyAlgorithm, KeyType, UnknownAlgorithm};
pub use certificate::{Certificate, ExtendedKeyUsage};
pub(crate) use issue::cross_sign;
pub use issue::{IssueError, Issuer, certificate_request, issue, self_sign_ca};
pub use key::{KeyError, PrivateKey, PrivateKeyPem};
pub use load::{Bundle, LoadError};
pub use name::Subject;
pub use pem_text::{PemError, is_cut_off};
pub use pool::KeyPool;
pub use sans::{San, check_sans};
pub use spec::{CertificateSpec, Usages};
pub use verify::{ChainError, verify_chain};
