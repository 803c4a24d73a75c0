//! The PKI: keys, certificates and requests as kubeadm makes them, and the checks on those that exist.
//!
//! Bytes in, bytes out: nothing here touches a file, a clock or the terminal.
//!
//! - [`table`]: which certificates a control plane has
//! - [`KeyAlgorithm`], [`PrivateKey`], [`KeyPool`]: keys
//! - [`CertificateSpec`], [`issue()`], [`self_sign_ca`], [`certificate_request`]: making
//! - [`Bundle`], [`Certificate`]: reading
//! - [`judgement`], [`verify_chain`], [`check_sans`]: checking
//!
//! Keys, signatures and randomness all come from aws-lc-rs, rcgen's and rustls's provider too.

mod algorithm;
mod certificate;
mod der;
mod issue;
mod issue_error;
pub(crate) mod judgement;
mod key;
mod load;
mod name;
mod pem_text;
mod pool;
mod sans;
mod serial;
mod spec;
pub(crate) mod table;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use algorithm::KeyAlgorithm;
pub use algorithm::KeyType;
pub use certificate::Certificate;
pub(crate) use certificate::ExtendedKeyUsage;
pub(crate) use issue::{Issuer, certificate_request, cross_sign, issue, self_sign_ca};
pub(crate) use issue_error::IssueError;
pub(crate) use key::KeyError;
pub use key::PrivateKey;
pub use load::Bundle;
pub(crate) use name::Subject;
pub(crate) use pem_text::is_cut_off;
pub(crate) use pool::KeyPool;
pub(crate) use sans::{San, check_sans};
pub(crate) use spec::{CertificateSpec, Usages};
pub(crate) use verify::ChainError;
pub use verify::verify_chain;
