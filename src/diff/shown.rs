//! What of a file's content is shown.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::kubeconfig::{Kubeconfig, User};
use crate::pki::{Bundle, Certificate, PrivateKey};

/// A file's content as it may be shown: text as it is, certificates, private keys and kubeconfigs as facts.
pub(crate) fn shown(content: &[u8]) -> String {
    if let Ok(bundle) = Bundle::from_pem(content) {
        return bundle.iter().map(|c| certificate(c, "")).collect();
    }
    let Ok(text) = std::str::from_utf8(content) else { return format!("{} bytes, no text\n", content.len()) };
    if text.contains("PRIVATE KEY-----") {
        return private_key(content);
    }
    if text.starts_with("-----BEGIN PUBLIC KEY-----") {
        return "public key\n".into();
    }
    match Kubeconfig::parse(text) {
        Ok(kubeconfig) if kubeconfig.kind == "Config" => facts(&kubeconfig),
        _ => text.to_owned(),
    }
}

fn private_key(pem: &[u8]) -> String {
    match PrivateKey::from_pem(pem) {
        Ok(key) => format!("private key (not shown), {}\n", key.key_type()),
        Err(error) => format!("private key (not shown): {error}\n"),
    }
}

/// Key and time are left out: those of a certificate that would be made are not known before.
fn certificate(certificate: &Certificate, indent: &str) -> String {
    let mut text = format!("{indent}certificate of {}\n", certificate.subject_text());
    let _ = writeln!(text, "{indent}  issuer {}", certificate.issuer_text());
    for name in certificate.dns_names() {
        let _ = writeln!(text, "{indent}  DNS {name}");
    }
    for ip in certificate.ip_addresses() {
        let _ = writeln!(text, "{indent}  IP {ip}");
    }
    text
}

fn facts(kubeconfig: &Kubeconfig) -> String {
    let mut text = format!("kubeconfig, context {}\n", kubeconfig.current_context);
    if let Some(cluster) = kubeconfig.current_cluster() {
        let _ = writeln!(text, "server {}", cluster.server);
        if cluster.certificate_authority_data.is_empty() {
            let _ = writeln!(text, "CA in {}", cluster.certificate_authority);
        } else {
            text.push_str(&embedded("CA", &cluster.certificate_authority_data));
        }
    }
    if let Some(user) = kubeconfig.current_user() {
        text.push_str(&identity(user));
    }
    text
}

fn identity(user: &User) -> String {
    let mut text = String::new();
    for (what, file) in [
        ("client certificate", &user.client_certificate),
        ("client key", &user.client_key),
        ("token", &user.token_file),
    ] {
        if !file.is_empty() {
            let _ = writeln!(text, "{what} in {file}");
        }
    }
    if !user.client_certificate_data.is_empty() {
        text.push_str(&embedded("client", &user.client_certificate_data));
    }
    if !user.client_key_data.is_empty() {
        let pem = STANDARD.decode(&user.client_key_data).unwrap_or_default();
        text.push_str(&private_key(&pem));
    }
    if !user.token.is_empty() {
        text.push_str("token (not shown)\n");
    }
    text
}

fn embedded(what: &str, data: &str) -> String {
    match STANDARD.decode(data).ok().and_then(|pem| Bundle::from_pem(&pem).ok()) {
        Some(bundle) => format!("{what}:\n{}", certificate(&bundle.certificate, "  ")),
        None => format!("{what}: no certificate\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::Cluster;
    use crate::pki::{CertificateSpec, KeyAlgorithm, self_sign_ca};

    #[test]
    fn facts_are_shown_and_secrets_are_not() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let now = time::OffsetDateTime::now_utc();
        let ca =
            self_sign_ca(&CertificateSpec::ca("kubernetes", now, now + time::Duration::DAY), &key).unwrap();
        let certificate = shown(ca.to_pem().as_bytes());
        assert!(
            certificate.contains("CN=kubernetes") && certificate.contains("DNS kubernetes"),
            "{certificate}"
        );
        let pem = key.to_pem().unwrap();
        let user = User {
            client_certificate_data: STANDARD.encode(ca.to_pem()),
            client_key_data: STANDARD.encode(pem.as_bytes()),
            token: "s3cret".into(),
            ..User::default()
        };
        let cluster = Cluster { server: "https://192.0.2.2:6443".into(), ..Cluster::default() };
        let config = Kubeconfig::new("k", cluster, "me", user).to_yaml().unwrap();
        let body = pem.as_str().lines().nth(1).unwrap().to_owned();
        for content in [pem.as_bytes(), config.as_bytes()] {
            let text = shown(content);
            assert!(text.contains("not shown") && text.contains("ECDSA-P256"), "{text}");
            assert!(
                !text.contains(&body) && !text.contains("s3cret") && !text.contains("client-key"),
                "{text}"
            );
        }
        assert_eq!(shown(b"a: 1\n"), "a: 1\n");
        assert_eq!(shown(b"\xff"), "1 bytes, no text\n");
    }
}
