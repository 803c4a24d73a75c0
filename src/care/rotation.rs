//! Whether kubelet renews its own client certificate, which is nobody else's to renew.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::due::named;
use crate::certs::utc;
use crate::config::Paths;
use crate::finding::Finding;
use crate::host::Host;
use crate::kubeconfig::Kubeconfig;
use crate::node::identity;
use crate::pki::Bundle;
use crate::yaml;

const CHECK: &str = "KubeletRotation";

/// What is wrong with the renewal of kubelet's client certificate.
pub(crate) fn check(paths: &Paths, host: &dyn Host, now: OffsetDateTime) -> Vec<Finding> {
    let conf = paths.kubeconfig("kubelet.conf");
    let found = |finding: Finding| vec![named(CHECK, finding)];
    let text = match host.read(&conf) {
        Ok(Some(text)) => text,
        Ok(None) => {
            let finding = Finding::error(format!("{} is missing", conf.display()))
                .fix("generate it with `kubestrap init phase kubeconfig kubelet`, then restart kubelet");
            return found(finding);
        }
        Err(error) => return found(Finding::error(error.to_string())),
    };
    let kubeconfig = match Kubeconfig::parse(&String::from_utf8_lossy(&text)) {
        Ok(kubeconfig) => kubeconfig,
        Err(why) => return found(Finding::error(format!("{}: {why}", conf.display()))),
    };
    let Some(user) = kubeconfig.current_user() else {
        return found(Finding::error(format!("{} has no current context with a user", conf.display())));
    };
    let mut findings = vec![];
    let embeds = !user.client_certificate_data.is_empty();
    let file = Path::new(&user.client_certificate);
    let pem = if embeds {
        STANDARD.decode(&user.client_certificate_data).ok()
    } else {
        host.read(file).ok().flatten()
    };
    let folder = match identity::kubelet_certificate_dir(paths, host) {
        Ok(folder) => folder,
        Err(error) => return found(Finding::error(error.to_string())),
    };
    let current = folder.join("kubelet-client-current.pem");
    if embeds {
        let finding = Finding::error("kubelet.conf embeds a client certificate, which kubelet does not renew")
            .evidence(conf.display().to_string())
            .cause("kubelet writes what it renews to a file; a kubeconfig that embeds its certificate keeps the first one until it expires")
            .fix(format!(
                "in {}, replace client-certificate-data and client-key-data by `client-certificate: {current}` and `client-key: {current}`, then `systemctl restart kubelet`",
                conf.display(), current = current.display()
            ));
        findings.push(named(CHECK, finding));
    }
    match pem.map(|pem| Bundle::from_pem(&pem)) {
        None if embeds => {}
        None => findings.push(named(
            CHECK,
            Finding::error(format!("kubelet's client certificate {} can't be read", file.display()))
                .fix("remove kubelet.conf and generate it with `kubestrap init phase kubeconfig kubelet`, then restart kubelet"),
        )),
        Some(Err(why)) => findings.push(named(
            CHECK,
            Finding::error(format!("kubelet's client certificate can't be used: {why}")),
        )),
        Some(Ok(bundle)) => findings.extend(overdue(&bundle, now)),
    }
    if is_turned_off(paths, host) {
        let finding =
            Finding::error("kubelet does not renew its client certificate: rotateCertificates is false")
                .evidence(paths.kubelet.join("config.yaml").display().to_string())
                .fix("set `rotateCertificates: true` in the KubeletConfiguration, then restart kubelet");
        findings.push(named(CHECK, finding));
    }
    findings
}

/// kubelet asks for the next certificate when 70 to 90 percent of the life of this one is over.
fn overdue(bundle: &Bundle, now: OffsetDateTime) -> Option<Finding> {
    let (begins, expires) = (bundle.certificate.not_before(), bundle.certificate.not_after());
    let left = expires - now;
    if left >= (expires - begins) / 10 {
        return None;
    }
    let expired = if left.is_negative() { "has expired" } else { "expires" };
    let finding = Finding::error(format!("kubelet has not renewed its client certificate, which {expired} at {}", utc(expires)))
        .cause("kubelet asks for a new one when at most 90 percent of the life is over; its request was not approved or signed, or it can't reach the API server")
        .fix("`kubectl get csr` shows whether requests are pending; `journalctl -u kubelet | grep -i rotat` shows why");
    Some(named(CHECK, finding))
}

fn is_turned_off(paths: &Paths, host: &dyn Host) -> bool {
    let text = host.read(&paths.kubelet.join("config.yaml")).ok().flatten().unwrap_or_default();
    let documents = yaml::parse_values(&String::from_utf8_lossy(&text)).unwrap_or_default();
    documents.first().and_then(|d| d.get("rotateCertificates")?.as_bool()) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::RealHost;
    use crate::pki::{
        CertificateSpec, Issuer, KeyAlgorithm, PrivateKey, Subject, Usages, issue, self_sign_ca,
    };
    use time::Duration;

    /// A client certificate that ends so many days from now, of a life of 100 days.
    fn certificate(left: i64) -> String {
        let now = OffsetDateTime::now_utc();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let spec = CertificateSpec {
            subject: Subject::new("system:node:cp1"),
            dns_names: vec![],
            ip_addresses: vec![],
            usages: Usages::Client,
            not_before: now + Duration::days(left - 100),
            not_after: now + Duration::days(left),
        };
        let ca_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let (begin, end) = (now - Duration::days(200), now + Duration::days(200));
        let ca = self_sign_ca(&CertificateSpec::ca("ca", begin, end), &ca_key).unwrap();
        issue(&spec, &key, &Issuer::new(&ca, &ca_key).unwrap()).unwrap().to_pem()
    }

    fn told(user: &str, left: i64, configuration: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let paths =
            Paths { kubelet: dir.path().into(), ..Paths::new("/etc/kubernetes/pki", Some(dir.path())) };
        let pem = dir.path().join("current.pem");
        std::fs::write(&pem, certificate(left)).unwrap();
        std::fs::write(dir.path().join("config.yaml"), configuration).unwrap();
        let user = user
            .replace("FILE", &pem.display().to_string())
            .replace("DATA", &STANDARD.encode(certificate(left)));
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{user: u, cluster: k}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\nclusters: []\n"
        );
        std::fs::write(dir.path().join("kubelet.conf"), text).unwrap();
        check(&paths, &RealHost::new(), OffsetDateTime::now_utc()).into_iter().map(|f| f.what).collect()
    }

    #[test]
    fn rotation_that_works_is_not_told() {
        assert_eq!(told("client-certificate: FILE", 60, "rotateCertificates: true"), [""; 0]);
        assert_eq!(told("client-certificate: FILE", 11, ""), [""; 0], "kubelet may wait that long");
    }

    #[test]
    fn embedded_certificate_late_renewal_and_a_missing_file_are_told() {
        let first = |user: &str, left: i64, configuration: &str| told(user, left, configuration).remove(0);
        assert!(first("client-certificate-data: DATA", 60, "").contains("embeds"));
        assert!(first("client-certificate: FILE", 5, "").contains("has not renewed"));
        assert!(first("client-certificate: FILE", -5, "").contains("has expired at"));
        assert!(first("client-certificate: /nonexistent", 60, "").contains("/nonexistent can't be read"));
        assert!(first("client-certificate: FILE", 60, "rotateCertificates: false").contains("is false"));
    }
}
