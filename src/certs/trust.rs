//! What is left of a CA that was exchanged: certificates that are in date, and yet refused.

use std::path::PathBuf;

use super::inspect::{authority, find};
use super::kubeconfig::Embedded;
use super::managed::{Pki, leaves};
use crate::host::{FileError, Host};
use crate::pki::Bundle;
use crate::pki::judgement::leads_to;

/// A file that goes by another CA than the one that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherCa {
    /// Its name in kubeadm's `certs` commands.
    pub(crate) name: &'static str,
    /// The file.
    pub(crate) file: PathBuf,
    /// What is wrong.
    pub(crate) problem: String,
    /// What helps.
    pub(crate) fix: &'static str,
}

const RENEW: &str = "`kubestrap certs renew`, with its name, generates it again";
const KUBELET: &str =
    "remove it, and let `kubestrap init phase kubeconfig kubelet` generate it again, or join the node again";

/// Looks for them. A CA that was renewed with its key is the same CA.
///
/// # Errors
/// When a file is there and may not be read.
pub(crate) fn of_other_cas(pki: &Pki, host: &dyn Host) -> Result<Vec<OtherCa>, FileError> {
    let mut all = vec![];
    for managed in leaves(pki.external_etcd) {
        let (Ok(found), Ok(ca)) = (find(&managed, pki, host)?, authority(managed.signer, pki, host)?) else {
            continue;
        };
        let signer = pki.certificate(managed.signer);
        // At a time at which both are in date: what has expired is told elsewhere.
        let leaf = &found.bundle.certificate;
        let at = leaf.not_before().max(ca.certificate.not_before());
        let in_date = at <= leaf.not_after() && at <= ca.certificate.not_after();
        let mut problem = None;
        if in_date && leads_to(&found.bundle, &ca, at).is_err() {
            problem = Some(format!("{} has not signed it", signer.display()));
        } else if let Some(Ok(trusted)) = &found.trusted
            && !is_among(trusted, &ca)
        {
            problem = Some(format!("it trusts another CA than {}", signer.display()));
        }
        let file = managed.path(pki);
        all.extend(problem.map(|problem| OtherCa { name: managed.name, file, problem, fix: RENEW }));
    }
    all.extend(kubelet(pki, host)?);
    Ok(all)
}

/// kubelet's own kubeconfig, which no `certs` command knows: its client certificate is in a file that kubelet rotates.
fn kubelet(pki: &Pki, host: &dyn Host) -> Result<Option<OtherCa>, FileError> {
    let file = pki.kubeconfigs.join("kubelet.conf");
    let ca = pki.certificates.join("ca.crt");
    let (Some(text), Some(pem)) = (host.read(&file)?, host.read(&ca)?) else { return Ok(None) };
    let trusted = Embedded::parse(&text).and_then(|embedded| embedded.authority());
    let (Ok(trusted), Ok(ours)) = (trusted, Bundle::from_pem(&pem)) else { return Ok(None) };
    let problem = format!("it trusts another CA than {}: kubelet refuses the API server", ca.display());
    let other = !is_among(&trusted, &ours);
    Ok(other.then_some(OtherCa { name: "kubelet.conf", file, problem, fix: KUBELET }))
}

/// Whether two bundles have a CA's key in common.
fn is_among(trusted: &Bundle, ca: &Bundle) -> bool {
    trusted.iter().any(|t| ca.iter().any(|c| c.spki_der() == t.spki_der()))
}
