//! Certificates that end soon, or have ended.

use time::Duration;

use super::Evidence;
use crate::certs::{Entry, State};
use crate::finding::Finding;

/// How long a leaf may last without being worth a word.
const LEAF: Duration = Duration::days(30);
/// The same of a CA, which takes planning to replace.
const AUTHORITY: Duration = Duration::days(365);

pub(super) fn end_soon(e: &Evidence) -> Vec<Finding> {
    let problem = |entry: &Entry, within: Duration| {
        let missing = entry.state == State::Missing;
        let accepted = missing && (entry.is_optional() || entry.ca_name.is_none());
        entry.problem(e.now, e.now + within).filter(|_| !accepted)
    };
    let mut findings = vec![];
    for entry in &e.certificates.leaves {
        let Some(why) = problem(entry, LEAF) else { continue };
        let renewed = e.renewal && !entry.externally_managed && entry.state != State::Missing;
        let finding = Finding::warning(format!("certificate {} {why}", entry.name))
            .evidence(entry.path.display().to_string());
        findings.push(if renewed {
            finding.fix("nothing: it is renewed with the component that uses it")
        } else {
            finding.fix(format!("`kubestrap certs renew {}`", entry.name))
        });
    }
    for entry in &e.certificates.authorities {
        let Some(why) = problem(entry, AUTHORITY) else { continue };
        let ended = matches!(&entry.state, State::Present { expires, .. } if *expires < e.now);
        let finding = if ended { Finding::error } else { Finding::warning };
        findings.push(
            finding(format!("CA {} {why}", entry.name))
                .evidence(entry.path.display().to_string())
                .cause("certificates are not valid for longer than the CA that signed them")
                .fix("replace it with `kubestrap certs rotate-ca`, before the upgrade if it has expired: every node and client gets the new one"),
        );
    }
    findings
}

/// Renewed certificates are signed by the CA that is in the folder: who trusts another one refuses them.
pub(super) fn unfit(e: &Evidence) -> Vec<Finding> {
    if e.unfit_certificates.is_empty() {
        return vec![];
    }
    let names: Vec<&str> = e.unfit_certificates.iter().map(|(name, _)| name.as_str()).collect();
    let what = format!(
        "these were not signed by the CA on this node, or are CAs without their key: {}",
        names.join(", ")
    );
    let finding = if e.renewal { Finding::error(what) } else { Finding::warning(what) };
    vec![
        finding
            .evidences(e.unfit_certificates.iter().map(|(_, file)| file.display().to_string()))
            .cause("the CA's files were replaced on this node; certificates that it signs now are not trusted by the rest of the cluster")
            .fix("put the cluster's CA back (another control-plane node has it, or `kubectl get configmap kube-root-ca.crt -o yaml` its certificate); see `kubestrap certs inspect`"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn certificate_of_another_ca_refuses_a_renewal() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!(unfit(&e), []);
        e.unfit_certificates = vec![("apiserver".into(), "/p/apiserver.crt".into())];
        assert_eq!(unfit(&e)[0].severity, Severity::Error);
        e.renewal = false;
        assert_eq!(unfit(&e)[0].severity, Severity::Warning);
    }

    #[test]
    fn ca_that_has_ended_is_an_error_and_a_leaf_that_is_renewed_a_word() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        let entry = |name, ca_name, days| Entry {
            name,
            path: "/p".into(),
            ca_name,
            externally_managed: false,
            state: State::Present { begins: e.now, expires: e.now + Duration::days(days), key_fault: None },
        };
        let (leaves, cas) = (
            vec![entry("apiserver", Some("ca"), 10), entry("admin.conf", Some("ca"), 200)],
            vec![entry("ca", None, -1), entry("etcd-ca", None, 100), entry("front-proxy-ca", None, 3000)],
        );
        (e.certificates.leaves, e.certificates.authorities) = (leaves, cas);
        let found = end_soon(&e);
        let severities: Vec<Severity> = found.iter().map(|f| f.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error, Severity::Warning]);
        assert!(found[0].fix.as_ref().unwrap().starts_with("nothing"));
        e.renewal = false;
        assert!(end_soon(&e)[0].fix.as_ref().unwrap().contains("certs renew apiserver"));
    }
}
