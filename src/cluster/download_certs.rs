//! The certificates and keys that control-plane nodes share, downloaded from the Secret `kubeadm-certs`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::upload_certs::{Source, sources};
use super::{CertificateKey, Cluster, ClusterError};
use crate::config::Settings;
use crate::pki::{Bundle, PrivateKey};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "kubeadm-certs";
/// What makes the Secret again.
const UPLOAD: &str = "`kubestrap init phase upload-certs --upload-certs` on a control-plane node uploads them again and prints the new key";

/// A file that was downloaded.
pub(crate) struct SharedFile {
    /// Where it belongs.
    pub(crate) path: PathBuf,
    /// Its content.
    pub(crate) content: Zeroizing<Vec<u8>>,
    /// Whether it is a private key, for its owner alone (0600); others may read the rest (0644).
    pub(crate) secret: bool,
}

impl std::fmt::Debug for SharedFile {
    /// Without the content: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedFile")
            .field("path", &self.path)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// Why the shared certificates were not downloaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    /// There is no Secret.
    #[error(
        "Secret {NAMESPACE}/{NAME} was not found\n  cause: uploaded certificates are deleted after two hours, or they were never uploaded\n  fix: {UPLOAD}"
    )]
    Gone,
    /// The Secret may not be read.
    #[error(
        "Secret {NAMESPACE}/{NAME} may not be read ({message})\n  cause: the certificates of this cluster were never uploaded, which is what lets joining nodes read them, or the token is not one for joining nodes\n  fix: {UPLOAD}"
    )]
    Forbidden {
        /// What the API server says.
        message: String,
    },
    /// The Secret lacks files.
    #[error("Secret {NAMESPACE}/{NAME} lacks {}\n  cause: it was uploaded for another kind of etcd (stacked or external) than kubeadm-config names, or changed\n  fix: {UPLOAD}", .missing.join(", "))]
    Incomplete {
        /// Their keys.
        missing: Vec<&'static str>,
    },
    /// The key is another one.
    #[error(
        "the certificate key does not decrypt Secret {NAMESPACE}/{NAME}: it is the wrong key\n  cause: the certificates were uploaded again since, with another key, or the key is mistyped\n  fix: take the key of the last upload; {UPLOAD}"
    )]
    WrongKey,
    /// One file can't be decrypted, while others can.
    #[error(
        "{key} in Secret {NAMESPACE}/{NAME} can't be decrypted, while other files in it can: it was changed\n  fix: {UPLOAD}"
    )]
    Damaged {
        /// Its key in the Secret.
        key: &'static str,
    },
    /// A file is something else.
    #[error(
        "{key} in Secret {NAMESPACE}/{NAME} is neither a certificate nor a key\n  fix: see that file on the control-plane node that uploaded it; {UPLOAD}"
    )]
    Content {
        /// Its key in the Secret.
        key: &'static str,
    },
    /// The API server does not give it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// Downloads the files that this control plane shares with the others. Files that were uploaded empty, since nobody
/// had them, are left out.
///
/// # Errors
/// When the Secret is not there or incomplete, `key` does not fit, or something else is in it.
pub(crate) fn fetch(
    cluster: &mut dyn Cluster,
    key: &CertificateKey,
    settings: &Settings,
) -> Result<Vec<SharedFile>, DownloadError> {
    let secret = match cluster.read("Secret", NAMESPACE, NAME) {
        Err(ClusterError::Object { refusal, .. }) if refusal.code() == Some(403) => {
            return Err(DownloadError::Forbidden { message: refusal.to_string() });
        }
        other => other?.ok_or(DownloadError::Gone)?,
    };
    let data = |source: &Source| secret.pointer(&format!("/data/{}", source.key)).and_then(Value::as_str);
    let sources = sources(settings);
    let missing: Vec<&str> = sources.iter().filter(|s| data(s).is_none()).map(|s| s.key).collect();
    if !missing.is_empty() {
        return Err(DownloadError::Incomplete { missing });
    }
    let given = sources.into_iter().filter_map(|source| {
        let text = data(&source).filter(|text| !text.is_empty())?.to_owned();
        (!source.path.as_os_str().is_empty()).then_some((source, text))
    });
    let (mut files, mut sealed) = (vec![], vec![]);
    for (source, text) in given {
        match STANDARD.decode(text).ok().and_then(|sealed| key.open(&sealed).ok()) {
            Some(content) => files.push(file(source, content)?),
            None => sealed.push(source.key),
        }
    }
    match sealed.first() {
        None => Ok(files),
        Some(_) if files.is_empty() => Err(DownloadError::WrongKey),
        Some(key) => Err(DownloadError::Damaged { key }),
    }
}

fn file(source: Source, content: Zeroizing<Vec<u8>>) -> Result<SharedFile, DownloadError> {
    let private = PrivateKey::from_pem(&content).is_ok();
    let public = || pem::parse(content.as_slice()).is_ok_and(|block| block.tag() == "PUBLIC KEY");
    if private || Bundle::from_pem(&content).is_ok() || public() {
        Ok(SharedFile { path: source.path, content, secret: private })
    } else {
        Err(DownloadError::Content { key: source.key })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use time::{Duration, OffsetDateTime};

    use super::super::{Change, ClusterObject, ObjectName, Refusal, upload_certs};
    use super::*;
    use crate::cluster::tests::settings;
    use crate::pki::{CertificateSpec, KeyAlgorithm, self_sign_ca};

    /// A cluster with a Secret, or none, or one that may not be read.
    struct Holder(Result<Option<Value>, u16>);

    impl Cluster for Holder {
        fn apply(&mut self, _: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
            Ok(vec![])
        }
        fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
            assert_eq!((kind, namespace, name), ("Secret", NAMESPACE, NAME));
            let object = ObjectName { kind: kind.into(), namespace: namespace.into(), name: name.into() };
            let refusal =
                |code| Refusal::Status { code, reason: "Forbidden".into(), message: "not for you".into() };
            self.0.clone().map_err(|code| ClusterError::Object {
                action: "read",
                object: Box::new(object),
                refusal: refusal(code),
                after: std::time::Duration::ZERO,
            })
        }
        fn list(&mut self, _: &str, _: &str) -> Result<Vec<Value>, ClusterError> {
            Ok(vec![])
        }
    }

    fn key() -> CertificateKey {
        "0123456789abcdef".repeat(4).parse().unwrap()
    }

    /// What `init` uploads of these files.
    fn uploaded(settings: &Settings, files: &BTreeMap<&str, Vec<u8>>) -> Value {
        let contents = sources(settings);
        let contents = contents.iter().map(|s| (s.key, files.get(s.key).map_or(&[][..], Vec::as_slice)));
        let objects = upload_certs::objects(&key(), contents, OffsetDateTime::now_utc()).unwrap();
        objects.into_iter().find(|o| o.name() == NAME).unwrap().value
    }

    fn files() -> BTreeMap<&'static str, Vec<u8>> {
        let now = OffsetDateTime::now_utc();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let spec = CertificateSpec::ca("kubernetes", now, now + Duration::days(1));
        let certificate = self_sign_ca(&spec, &key).unwrap();
        BTreeMap::from([
            ("ca.crt", certificate.to_pem().into_bytes()),
            ("ca.key", key.to_pem().unwrap().as_bytes().to_vec()),
            ("sa.pub", key.public_key_pem().into_bytes()),
        ])
    }

    fn attempt(secret: Value) -> Result<Vec<SharedFile>, DownloadError> {
        fetch(&mut Holder(Ok(Some(secret))), &key(), &settings(""))
    }

    fn error(secret: Value) -> String {
        attempt(secret).unwrap_err().to_string()
    }

    #[test]
    fn what_init_uploaded_is_downloaded_to_its_place() {
        let files = files();
        let found = attempt(uploaded(&settings(""), &files)).unwrap();
        let told: Vec<(String, bool)> =
            found.iter().map(|f| (f.path.to_string_lossy().into_owned(), f.secret)).collect();
        let pki = |file: &str, private| (format!("/etc/kubernetes/pki/{file}"), private);
        assert_eq!(told, [pki("ca.crt", false), pki("ca.key", true), pki("sa.pub", false)]);
        assert_eq!(*found[0].content, files["ca.crt"]);
    }

    #[test]
    fn a_secret_that_is_not_there_or_not_for_us_is_told_with_the_command_that_makes_it() {
        let mut gone = Holder(Ok(None));
        let told = fetch(&mut gone, &key(), &settings("")).unwrap_err().to_string();
        assert!(
            told.contains("after two hours") && told.contains("init phase upload-certs --upload-certs"),
            "{told}"
        );
        let mut forbidden = Holder(Err(403));
        let told = fetch(&mut forbidden, &key(), &settings("")).unwrap_err().to_string();
        assert!(told.contains("were never uploaded") && told.contains("not for you"), "{told}");
        assert!(matches!(
            fetch(&mut Holder(Err(500)), &key(), &settings("")),
            Err(DownloadError::Cluster(_))
        ));
    }

    #[test]
    fn another_key_is_told_as_that_and_one_changed_file_by_its_name() {
        let secret = uploaded(&settings(""), &files());
        let other: CertificateKey = "f".repeat(64).parse().unwrap();
        let told =
            fetch(&mut Holder(Ok(Some(secret.clone()))), &other, &settings("")).unwrap_err().to_string();
        assert!(told.contains("it is the wrong key") && !told.contains("ffff"), "{told}");
        let mut changed = secret;
        changed["data"]["ca.key"] = json!("AAAA");
        assert!(error(changed).starts_with("ca.key in Secret kube-system/kubeadm-certs can't be decrypted"));
    }

    #[test]
    fn files_that_are_missing_are_named() {
        let mut secret = uploaded(&settings(""), &files());
        secret["data"].as_object_mut().unwrap().remove("sa.key");
        assert!(error(secret).starts_with("Secret kube-system/kubeadm-certs lacks sa.key\n"));
        let external = settings(
            "etcd: {external: {endpoints: ['https://10.0.0.9:2379'], caFile: /e/ca.crt, certFile: /e/c.crt, keyFile: /e/c.key}}",
        );
        let told = error(uploaded(&external, &files()));
        assert!(told.contains("lacks etcd-ca.crt, etcd-ca.key\n") && told.contains("external"), "{told}");
    }

    #[test]
    fn what_is_no_certificate_and_no_key_is_refused() {
        let mut files = files();
        files.insert("front-proxy-ca.crt", b"hello".to_vec());
        let told = error(uploaded(&settings(""), &files));
        assert!(told.starts_with("front-proxy-ca.crt in Secret"), "{told}");
    }
}
