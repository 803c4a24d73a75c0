//! Existing kubeconfigs: of this cluster, or of another.

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::kubeconfig::{KubeconfigError, ROWS, check_existing};
use crate::pki::{Bundle, is_cut_off};

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let ca_path = settings.node.paths.certificates.join("ca.crt");
    // Without a CA one is made, and none of them can be of it; with one that is broken, others tell.
    let ca = match machine.read(&ca_path) {
        Ok(pem) => match Bundle::from_pem(&pem) {
            Ok(ca) => Some(ca),
            Err(_) => return vec![],
        },
        Err(_) => None,
    };
    let is_external = ca.is_some() && machine.read(&settings.node.paths.certificates.join("ca.key")).is_err();
    let mut findings = vec![];
    for row in ROWS {
        let path = settings.node.paths.kubeconfig(row.file);
        // One that is cut off is made again.
        let text = machine.text(&path).filter(|text| !is_cut_off(text.as_bytes()));
        let Some(text) = text else { continue };
        let shown = path.display();
        let away = if is_external {
            format!(
                "the CA's key is not on this machine: `kubestrap certs generate-csr` writes a request for {}; have the CA's owner sign it, and put the kubeconfig in place of {shown}",
                row.file
            )
        } else {
            format!("`mv {shown} {shown}.old` and run again: it will be generated")
        };
        let Some(ca) = &ca else {
            // Of kubelet.conf, RunningKubelet tells.
            if row.file != "kubelet.conf" {
                findings.push(
                    Finding::error(format!("{shown} exists, and the CA that issued it does not"))
                        .evidence(format!("{} is missing", ca_path.display()))
                        .cause("an earlier cluster was not removed completely: a new CA will be generated, which this kubeconfig does not trust")
                        .fix(format!("`kubestrap reset`; or {away}")),
                );
            }
            continue;
        };
        let read = |file: &str| machine.read(file.as_ref()).ok();
        let server = row.server_url(settings);
        let result = check_existing(&shown.to_string(), &text, ca, &ca_path.to_string_lossy(), &server, read);
        findings.extend(match result {
            Ok(None) => None,
            Ok(Some(warning)) => Some(
                Finding::warning(warning)
                    .cause("its users connect to that server, and fail unless it is an API server of this cluster")
                    .fix(away),
            ),
            Err(KubeconfigError::OtherCa { .. }) if row.file == "kubelet.conf" => None,
            Err(error @ KubeconfigError::OtherCa { .. }) => Some(
                Finding::error(format!("{shown} does not belong to this CA's cluster"))
                    .evidence(error.to_string())
                    .cause("an earlier cluster was not removed completely, or the CA was replaced")
                    .fix(away),
            ),
            Err(error) => Some(
                Finding::error(format!("{shown} can't be used")).evidence(error.to_string()).fix(away),
            ),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use time::{Duration, OffsetDateTime};

    use crate::finding::Severity;
    use crate::kubeconfig::{Cluster, Kubeconfig, User};
    use crate::pki::{CertificateSpec, KeyAlgorithm, PrivateKey, Subject, Usages, self_sign_ca};
    use crate::preflight::fake::{FakeMachine, settings, severities};

    fn ca() -> String {
        let now = OffsetDateTime::now_utc();
        let spec = CertificateSpec {
            subject: Subject::new("kubernetes"),
            dns_names: vec![],
            ip_addresses: vec![],
            usages: Usages::Ca,
            not_before: now - Duration::days(1),
            not_after: now + Duration::days(1),
        };
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        self_sign_ca(&spec, &key).unwrap().to_pem()
    }

    fn kubeconfig(ca: &str, server: &str) -> String {
        let cluster = Cluster {
            server: server.into(),
            certificate_authority_data: STANDARD.encode(ca),
            ..Cluster::default()
        };
        Kubeconfig::new("kubernetes", cluster, "someone", User::default()).to_yaml().unwrap()
    }

    #[test]
    fn kubeconfigs_of_this_cluster_are_kept_and_others_are_errors() {
        let (ours, other) = (ca(), ca());
        let s = settings("");
        let found = |name: &str, text: &str, ca: Option<&str>| {
            let machine = FakeMachine::with(|m| {
                m.file(&format!("/etc/kubernetes/{name}"), text);
                if let Some(ca) = ca {
                    m.file("/etc/kubernetes/pki/ca.crt", ca);
                    m.file("/etc/kubernetes/pki/ca.key", "its key");
                }
            });
            machine.check("Kubeconfigs", &s)
        };
        let right = "https://192.0.2.10:6443";
        assert_eq!(found("admin.conf", &kubeconfig(&ours, right), Some(&ours)), []);
        let elsewhere = found("scheduler.conf", &kubeconfig(&ours, "https://192.0.2.99:6443"), Some(&ours));
        assert_eq!(severities(&elsewhere), [Severity::Warning]);
        assert!(elsewhere[0].what.contains("192.0.2.99"), "{elsewhere:?}");
        for (text, ca) in [
            (kubeconfig(&other, right), Some(&*ours)),
            ("clusters: [".to_owned(), Some(&*ours)),
            (kubeconfig(&other, right), None),
        ] {
            let found = found("admin.conf", &text, ca);
            assert_eq!(severities(&found), [Severity::Error]);
            assert!(found[0].fix.as_ref().unwrap().contains("mv /etc/kubernetes/admin.conf"), "{found:?}");
        }
        // Where init can't sign, moving it away leads nowhere.
        let machine = FakeMachine::with(|m| {
            m.file("/etc/kubernetes/admin.conf", kubeconfig(&other, right));
            m.file("/etc/kubernetes/pki/ca.crt", &ours);
        });
        let external = machine.check("Kubeconfigs", &s);
        assert!(external[0].fix.as_ref().unwrap().contains("generate-csr"), "{external:?}");
        // Of kubelet's, another check tells.
        assert_eq!(found("kubelet.conf", &kubeconfig(&other, right), Some(&ours)), []);
    }
}
