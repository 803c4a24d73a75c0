//! The certificate with which kubelet serves its API, where it would make one itself.
//!
//! kubelet signs it by a CA that it throws away. It generates two RSA keys for that before it does anything else: half of
//! the time until it is healthy, and it differs from start to start. An ECDSA key takes a millisecond.

use std::path::PathBuf;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::flags::host_name;
use crate::config::args::last_value;
use crate::config::v1beta4::Arg;
use crate::config::{Paths, Settings};
use crate::pki::{CertificateSpec, IssueError, Issuer, KeyAlgorithm, PrivateKey, Subject, Usages};
use crate::pki::{issue, self_sign_ca};

/// The key's algorithm, which every client of TLS 1.2 and 1.3 knows.
pub(crate) const SERVING_ALGORITHM: KeyAlgorithm = KeyAlgorithm::EcdsaP256;

/// How long it is valid, as kubelet's own is: 365 days, from an hour ago.
const VALIDITY: Duration = Duration::days(365);

/// In which folder a kubelet of this configuration looks for `kubelet.crt` and `kubelet.key`, and makes them where they
/// are missing; None if it serves with another certificate, or with ciphers that may be for RSA keys alone.
///
/// Follows kubelet's `InitializeTLS`. Flags win over the configuration.
pub(crate) fn own_certificate_dir(settings: &Settings, configuration: &Value) -> Option<PathBuf> {
    let node = &settings.node;
    own_dir(configuration, &node.registration.kubelet_extra_args, &node.paths)
}

fn own_dir(configuration: &Value, flags: &[Arg], paths: &Paths) -> Option<PathBuf> {
    let flag = |name: &str| last_value(flags, name).is_some_and(|value| !value.is_empty());
    let set = |field: &str| match configuration.get(field) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let fields = ["serverTLSBootstrap", "tlsCertFile", "tlsPrivateKeyFile", "tlsCipherSuites"];
    let names = ["rotate-server-certificates", "tls-cert-file", "tls-private-key-file", "tls-cipher-suites"];
    if fields.into_iter().any(set) || names.into_iter().any(flag) {
        return None;
    }
    Some(paths.kubelet_certificates(last_value(flags, "cert-dir")))
}

/// The content of `kubelet.crt` for this node: the certificate of `key`, then the CA's.
///
/// # Errors
/// [`IssueError`].
pub(crate) fn serving_certificate(
    settings: &Settings,
    key: &PrivateKey,
    now: OffsetDateTime,
) -> Result<String, IssueError> {
    certificate(host_name(settings), key, now)
}

fn certificate(name: &str, key: &PrivateKey, now: OffsetDateTime) -> Result<String, IssueError> {
    let not_before = now - Duration::hours(1);
    let spec = |common_name: String, usages| CertificateSpec {
        subject: Subject::new(&common_name),
        dns_names: vec![],
        ip_addresses: vec![],
        usages,
        not_before,
        not_after: not_before + VALIDITY,
    };
    let since = now.unix_timestamp();
    let ca_key = PrivateKey::generate(SERVING_ALGORITHM)?;
    let ca = self_sign_ca(&spec(format!("{name}-ca@{since}"), Usages::Ca), &ca_key)?;
    let mut leaf = spec(format!("{name}@{since}"), Usages::Server);
    match name.parse() {
        Ok(address) => leaf.ip_addresses.push(address),
        Err(_) => leaf.dns_names.push(name.to_owned()),
    }
    let leaf = issue(&leaf, key, &Issuer::new(&ca, &ca_key)?)?;
    Ok([leaf.to_pem(), ca.to_pem()].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pki::{Bundle, verify_chain};

    #[test]
    fn kubelet_s_own_certificate_is_where_kubelet_looks_for_it() {
        let dir = |configuration: Value, flags: &[(&str, &str)]| {
            let flags: Vec<Arg> =
                flags.iter().map(|(n, v)| Arg { name: (*n).into(), value: (*v).into() }).collect();
            own_dir(&configuration, &flags, &Paths::new("/etc/kubernetes/pki", None))
        };
        let pki = Some(PathBuf::from("/var/lib/kubelet/pki"));
        assert_eq!(
            dir(json!({ "tlsCipherSuites": [], "serverTLSBootstrap": false, "tlsCertFile": "" }), &[]),
            pki
        );
        assert_eq!(dir(json!({}), &[("cert-dir", "/srv/pki")]), Some("/srv/pki".into()));
        for configuration in [
            json!({ "serverTLSBootstrap": true }),
            json!({ "tlsCertFile": "/a.crt", "tlsPrivateKeyFile": "/a.key" }),
            json!({ "tlsCipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] }),
        ] {
            assert_eq!(dir(configuration.clone(), &[]), None, "{configuration}");
        }
        for flag in ["rotate-server-certificates", "tls-cert-file", "tls-cipher-suites"] {
            assert_eq!(dir(json!({}), &[(flag, "x")]), None, "{flag}");
        }
    }

    #[test]
    fn certificate_is_for_the_node_and_signed_by_the_ca_beside_it() {
        let now = OffsetDateTime::now_utc();
        let key = PrivateKey::generate(SERVING_ALGORITHM).expect("a key");
        for (name, dns, addresses) in [("n-1", vec!["n-1"], vec![]), ("192.0.2.1", vec![], vec!["192.0.2.1"])]
        {
            let pem = certificate(name, &key, now).expect("a certificate");
            let bundle = Bundle::from_pem(pem.as_bytes()).expect("a bundle");
            let [leaf, ca] = bundle.iter().cloned().collect::<Vec<_>>().try_into().expect("two certificates");
            assert!(leaf.matches_key(&key) && !leaf.is_ca() && ca.can_sign_certificates());
            assert_eq!(verify_chain(&bundle, &[ca], now), Ok(()));
            assert_eq!(leaf.dns_names(), dns);
            assert_eq!(leaf.ip_addresses().iter().map(ToString::to_string).collect::<Vec<_>>(), addresses);
            assert_eq!(leaf.not_after() - leaf.not_before(), VALIDITY);
        }
    }
}
