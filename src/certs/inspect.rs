//! A certificate in full, what is wrong with it, and what that breaks.

use std::path::PathBuf;

use serde::Serialize;
use time::OffsetDateTime;

use super::demands::{Demand, demands};
use super::kubeconfig::Embedded;
use super::managed::{Managed, Pki, Place, authorities, leaves};
use crate::host::{FileError, Host};
use crate::pki::judgement::{Fault, Key, authority_faults, leads_to, leaf_faults, usage_faults};
use crate::pki::table::CertRow;
use crate::pki::{Bundle, Certificate, ExtendedKeyUsage, PrivateKey, San, Usages, check_sans};

/// A certificate, and what is wrong with it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Its name in kubeadm's `certs` commands.
    pub name: String,
    /// The file that it is in.
    pub file: PathBuf,
    /// What it says; none where it is missing or can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Facts>,
    /// What is wrong; empty is good.
    pub problems: Vec<String>,
    /// What works no more where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaks: Option<&'static str>,
}

/// What a certificate says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    /// Whom it is for.
    pub subject: String,
    /// From the certificate up to its root: subjects.
    pub chain: Vec<String>,
    /// First second of its validity, RFC 3339.
    pub not_before: String,
    /// Last second of its validity, RFC 3339.
    pub not_after: String,
    /// What is left of it, in seconds.
    pub residual_time: i64,
    /// `server`, `client`, `CA`.
    pub usages: Vec<String>,
    /// DNS names that it is for.
    pub dns_names: Vec<String>,
    /// Addresses that it is for.
    pub ip_addresses: Vec<String>,
    /// What kind of key it has.
    pub key: String,
    /// Whether the private key is there and its own.
    pub key_matches: bool,
    /// In hex.
    pub serial: String,
    /// SHA-256 over the certificate, in hex.
    pub fingerprint: String,
}

/// What is read of a certificate.
pub(super) struct Found {
    pub(super) bundle: Bundle,
    /// Its key, or why it can't be used; none where it is missing.
    key: Option<Result<PrivateKey, String>>,
    /// The CA that a kubeconfig embeds.
    pub(super) trusted: Option<Result<Bundle, String>>,
    /// The URL that a kubeconfig names.
    server: Option<String>,
}

impl Found {
    /// Its key; `missing` where there is none.
    fn key<'a>(&'a self, missing: Key<'a>) -> Key<'a> {
        self.key.as_ref().map_or(missing, |key| Key::read(key.as_ref()))
    }
}

/// Looks at every certificate, CAs last, as of `now`.
///
/// # Errors
/// When a file is there and may not be read.
pub(crate) fn inspect(pki: &Pki, host: &dyn Host, now: OffsetDateTime) -> Result<Vec<Report>, FileError> {
    let demands = demands(pki, host);
    let mut reports = vec![];
    for managed in leaves(pki.external_etcd) {
        let found = find(&managed, pki, host)?;
        let mut report = Report::new(managed.name, managed.path(pki));
        match found {
            Err(problem) => report.problems.push(problem),
            Ok(found) => {
                let ca = authority(managed.signer, pki, host)?;
                report.certificate = Some(facts(&found, ca.as_ref().ok(), now));
                report.problems = leaf_problems(&managed, &found, ca, &demands, now, pki);
            }
        }
        reports.push(report.finished());
    }
    for row in authorities(pki.external_etcd) {
        let mut report = Report::new(row.name, pki.certificate(row));
        match authority(row, pki, host)? {
            Err(problem) => report.problems.push(problem),
            Ok(bundle) => {
                let key =
                    host.read(&pki.key(row))?.map(|k| PrivateKey::from_pem(&k).map_err(|e| e.to_string()));
                let found = Found { bundle, key, trusted: None, server: None };
                report.certificate = Some(facts(&found, None, now));
                let faults = authority_faults(&found.bundle.certificate, found.key(Key::Elsewhere), now);
                report.problems = faults.iter().map(Fault::to_string).collect();
            }
        }
        reports.push(report.finished());
    }
    Ok(reports)
}

impl Report {
    fn new(name: &str, file: PathBuf) -> Self {
        Self { name: name.into(), file, certificate: None, problems: vec![], breaks: None }
    }

    fn finished(mut self) -> Self {
        self.breaks = if self.problems.is_empty() { None } else { breaks(&self.name) };
        self
    }
}

pub(super) fn find(
    managed: &Managed,
    pki: &Pki,
    host: &dyn Host,
) -> Result<Result<Found, String>, FileError> {
    let Some(text) = host.read(&managed.path(pki))? else { return Ok(Err("it is missing".into())) };
    Ok(match managed.place {
        Place::File(row) => {
            let key = host.read(&pki.key(row))?;
            let key = key.map(|k| PrivateKey::from_pem(&k).map_err(|e| e.to_string()));
            let bundle = Bundle::from_pem(&text).map_err(|e| format!("it can't be read: {e}"));
            bundle.map(|bundle| Found { bundle, key, trusted: None, server: None })
        }
        Place::Kubeconfig(_) => Embedded::parse(&text).and_then(|embedded| {
            Ok(Found {
                bundle: embedded.certificate()?,
                key: Some(embedded.key()),
                trusted: Some(embedded.authority()),
                server: Some(embedded.server().to_owned()),
            })
        }),
    })
}

pub(super) fn authority(
    ca: &CertRow,
    pki: &Pki,
    host: &dyn Host,
) -> Result<Result<Bundle, String>, FileError> {
    let path = pki.certificate(ca);
    Ok(match host.read(&path)? {
        None => Err(format!("its CA {} is missing", path.display())),
        Some(text) => Bundle::from_pem(&text).map_err(|e| format!("{} can't be read: {e}", path.display())),
    })
}

fn leaf_problems(
    managed: &Managed,
    found: &Found,
    ca: Result<Bundle, String>,
    demands: &[Demand],
    now: OffsetDateTime,
    pki: &Pki,
) -> Vec<String> {
    let certificate = &found.bundle.certificate;
    let faults = leaf_faults(&found.bundle, found.key(Key::Missing), ca.as_ref().ok(), now);
    let mut problems: Vec<String> = faults.iter().map(Fault::to_string).collect();
    problems.extend(ca.as_ref().err().cloned());
    let (server, client) = match managed.place {
        Place::File(row) => (
            matches!(row.usages, Usages::Server | Usages::Both),
            matches!(row.usages, Usages::Client | Usages::Both),
        ),
        Place::Kubeconfig(_) => (false, true),
    };
    problems.extend(usage_faults(certificate, server, client).iter().map(Fault::to_string));
    for demand in demands.iter().filter(|d| d.certificate == managed.name) {
        let missing = match &demand.name {
            San::Dns(name) => check_sans(certificate, std::slice::from_ref(name), &[]),
            San::Ip(ip) => check_sans(certificate, &[], &[*ip]),
        };
        if !missing.is_empty() {
            let fault = Fault::Name { name: demand.name.clone(), by: demand.by.clone() };
            problems.push(fault.to_string());
        }
    }
    if let (Some(trusted), Ok(ca)) = (&found.trusted, &ca) {
        match trusted {
            Err(problem) => problems.push(problem.clone()),
            Ok(trusted) if !trusted.iter().any(|t| ca.iter().any(|c| c == t)) => problems.push(format!(
                "it trusts another CA than {}: the API server is refused",
                pki.certificate(managed.signer).display()
            )),
            Ok(_) => {}
        }
    }
    if found.server.as_deref().is_some_and(|url| !url.starts_with("https://")) {
        problems.push("its server is not an https URL".into());
    }
    problems
}

fn facts(found: &Found, ca: Option<&Bundle>, now: OffsetDateTime) -> Facts {
    let certificate = &found.bundle.certificate;
    let mut chain: Vec<&Certificate> = found.bundle.iter().collect();
    if let Some(ca) = ca.filter(|ca| leads_to(&found.bundle, ca, certificate.not_before()).is_ok()) {
        chain.push(&ca.certificate);
    }
    let mut usages: Vec<String> = certificate.extended_key_usages().iter().map(usage).collect();
    if certificate.is_ca() {
        usages.push("CA".into());
    }
    Facts {
        subject: certificate.subject_text().into(),
        chain: chain.iter().map(|c| c.subject_text().to_owned()).collect(),
        not_before: super::utc(certificate.not_before()),
        not_after: super::utc(certificate.not_after()),
        residual_time: (certificate.not_after() - now).whole_seconds(),
        usages,
        dns_names: certificate.dns_names().to_vec(),
        ip_addresses: certificate.ip_addresses().iter().map(ToString::to_string).collect(),
        key: certificate.key_type().to_string(),
        key_matches: matches!(&found.key, Some(Ok(key)) if certificate.matches_key(key)),
        serial: certificate.serial_hex(),
        fingerprint: certificate.fingerprint_sha256(),
    }
}

fn usage(usage: &ExtendedKeyUsage) -> String {
    match usage {
        ExtendedKeyUsage::ServerAuth => "server".into(),
        ExtendedKeyUsage::ClientAuth => "client".into(),
        ExtendedKeyUsage::Any => "any".into(),
        ExtendedKeyUsage::Other(name) => name.clone(),
    }
}

/// What stops working without a certificate.
fn breaks(name: &str) -> Option<&'static str> {
    let words = match name {
        "admin.conf" => "kubectl, kubeadm and kubestrap as administrator of this cluster",
        "apiserver" => "every connection to this API server: kubectl, kubelets, controllers, Pods",
        "apiserver-etcd-client" => "kube-apiserver: etcd refuses it, so that the API is down",
        "apiserver-kubelet-client" => "kubectl logs, exec and port-forward: kubelets refuse the API server",
        "controller-manager.conf" => {
            "all controllers: nothing is scaled, replaced or cleaned up, no node joins"
        }
        "etcd-healthcheck-client" => "etcdctl, and probes that use this identity",
        "etcd-peer" => "etcd's connections to its other members: a cluster of several loses its quorum",
        "etcd-server" => "kube-apiserver: it can't reach its store, so that the API is down",
        "front-proxy-client" => {
            "extension API servers, such as metrics-server: they refuse the requests that are passed on to them"
        }
        "scheduler.conf" => "kube-scheduler: new Pods stay pending",
        "super-admin.conf" => "break-glass access that bypasses RBAC",
        "ca" | "etcd-ca" | "front-proxy-ca" => "everything that it signed, and signing more",
        _ => return None,
    };
    Some(words)
}
