//! What the certificates of a control plane say, made from settings: for init, and for requests.

use time::{Duration, OffsetDateTime};

use super::names;
use crate::config::Settings;
use crate::config::settings::CERTIFICATE_VALIDITY;
use crate::kubeconfig::KubeconfigRow;
use crate::pki::table::CertRow;
use crate::pki::{CertificateSpec, Subject, Usages};

/// kubeadm lets certificates begin five minutes before they are made, for clocks that differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::minutes(5);

/// A leaf of the table, made at `now`.
pub(crate) fn leaf(settings: &Settings, row: &CertRow, now: OffsetDateTime) -> CertificateSpec {
    let names = names::of(settings, row.sans);
    let kubelet_client_is_admin =
        settings.cluster.version.patch() < settings.cluster.release.kubelet_client_binding_since;
    CertificateSpec {
        subject: row.subject(settings.node_name(), kubelet_client_is_admin),
        dns_names: names.dns,
        ip_addresses: names.ips,
        usages: row.usages,
        not_before: now - CLOCK_SKEW,
        not_after: now + validity(settings),
    }
}

/// A kubeconfig's client certificate, made at `now`. `begin` is when it is valid from: that of the CA, as kubeadm
/// gives these certificates no time of their own to begin.
pub(crate) fn client(
    settings: &Settings,
    row: &KubeconfigRow,
    begin: OffsetDateTime,
    now: OffsetDateTime,
) -> CertificateSpec {
    CertificateSpec {
        subject: Subject::new(row.user(settings)).with_organizations(row.organization),
        dns_names: vec![],
        ip_addresses: vec![],
        usages: Usages::Client,
        not_before: begin,
        not_after: now + validity(settings),
    }
}

fn validity(settings: &Settings) -> std::time::Duration {
    settings.cluster.config.certificate_validity_period.unwrap_or(CERTIFICATE_VALIDITY).as_std()
}
