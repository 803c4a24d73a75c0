//! What a certificate is to say.

use std::net::IpAddr;

use time::OffsetDateTime;

use super::certificate::{Certificate, ExtendedKeyUsage};
use super::issue_error::IssueError;
use super::name::Subject;

/// What a certificate is to say. Also the base of a request, which says subject and names alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateSpec {
    /// Whom it is for.
    pub subject: Subject,
    /// DNS names, in the order they are to be written; kubeadm sorts them.
    pub dns_names: Vec<String>,
    /// IP addresses, in the order they are to be written.
    pub ip_addresses: Vec<IpAddr>,
    /// What its key may do.
    pub usages: Usages,
    /// First second of validity. kubeadm: process start less 5 minutes.
    pub not_before: OffsetDateTime,
    /// Last second of validity. kubeadm: process start plus the configured period.
    pub not_after: OffsetDateTime,
}

/// What a certificate's key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usages {
    /// Serve TLS.
    Server,
    /// Be a TLS client.
    Client,
    /// Serve TLS and be a TLS client.
    Both,
    /// Issue certificates.
    Ca,
}

impl CertificateSpec {
    /// A CA as kubeadm makes it: its common name is also its only DNS name.
    pub(crate) fn ca(common_name: &str, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        Self {
            subject: Subject::new(common_name),
            dns_names: vec![common_name.to_owned()],
            ip_addresses: Vec::new(),
            usages: Usages::Ca,
            not_before,
            not_after,
        }
    }

    /// The same CN, O, names and usages as `certificate`, for another time: kubeadm's renewal. Usages
    /// other than server and client are dropped.
    ///
    /// # Errors
    /// [`IssueError::NoUsages`] when it is for neither servers nor clients; kubeadm refuses it too.
    pub(crate) fn renewal(
        certificate: &Certificate,
        not_before: OffsetDateTime,
        not_after: OffsetDateTime,
    ) -> Result<Self, IssueError> {
        let has = |usage| certificate.extended_key_usages().contains(&usage);
        let usages = match (has(ExtendedKeyUsage::ServerAuth), has(ExtendedKeyUsage::ClientAuth)) {
            (true, true) => Usages::Both,
            (true, false) => Usages::Server,
            (false, true) => Usages::Client,
            (false, false) => {
                return Err(IssueError::NoUsages { certificate: certificate.subject_text().to_owned() });
            }
        };
        Ok(Self {
            subject: certificate.subject().clone(),
            dns_names: certificate.dns_names().to_vec(),
            ip_addresses: certificate.ip_addresses().to_vec(),
            usages,
            not_before,
            not_after,
        })
    }
}
