//! The certificates that control-plane nodes share, read back from the Secret `kubeadm-certs`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::upload_certs::sources;
use super::{CertificateKey, Cluster, ClusterError, SealError};
use crate::config::Settings;

/// The Secret.
const NAMESPACE: &str = "kube-system";
const NAME: &str = "kubeadm-certs";
/// What makes it again.
const UPLOAD: &str = "`kubestrap init phase upload-certs --upload-certs` on a control-plane node";

/// A file that control-plane nodes share.
pub(crate) struct SharedFile {
    /// Where it belongs.
    pub(crate) path: PathBuf,
    /// Its content; may be a secret.
    pub(crate) content: Zeroizing<Vec<u8>>,
    /// It is a private key.
    pub(crate) secret: bool,
}

/// Why the shared certificates can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    /// The API server does not give the Secret.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no Secret.
    #[error(
        "Secret {NAMESPACE}/{NAME} was not found in the cluster: the certificates were never uploaded, or have expired (they are deleted two hours after the upload)\n  fix: upload them again with {UPLOAD}, and join with the new `--certificate-key` that it prints"
    )]
    Gone,
    /// It lacks a file.
    #[error("Secret {NAMESPACE}/{NAME} has no {key}\n  fix: upload the certificates again with {UPLOAD}")]
    Missing {
        /// The file's key in the Secret.
        key: &'static str,
    },
    /// The content is not that of an upload.
    #[error(
        "{key} in Secret {NAMESPACE}/{NAME} can't be read: {reason}\n  fix: upload the certificates again with {UPLOAD}"
    )]
    Content {
        /// The file's key in the Secret.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate key is another one.
    #[error(
        "the certificate key is wrong: it does not decrypt Secret {NAMESPACE}/{NAME}, which was uploaded with another key\n  fix: use the key of the last upload, or upload them again with {UPLOAD} and use the key that it prints"
    )]
    WrongKey {
        /// What the cipher said.
        #[source]
        source: SealError,
    },
}

/// Downloads and decrypts the shared files. Those that were uploaded empty are left out: they did not exist.
///
/// # Errors
/// When the Secret is gone, lacks a file, or was encrypted with another key.
pub(crate) fn fetch(
    cluster: &mut dyn Cluster,
    key: &CertificateKey,
    settings: &Settings,
) -> Result<Vec<SharedFile>, DownloadError> {
    let secret = cluster.get("Secret", NAMESPACE, NAME)?.ok_or(DownloadError::Gone)?;
    let mut files = vec![];
    for source in sources(settings) {
        let encoded = secret.get("data").and_then(|data| data.get(source.key)).and_then(Value::as_str);
        let encoded = encoded.ok_or(DownloadError::Missing { key: source.key })?;
        let sealed = STANDARD
            .decode(encoded)
            .map_err(|e| DownloadError::Content { key: source.key, reason: e.to_string() })?;
        if sealed.is_empty() {
            continue;
        }
        let content = key.open(&sealed).map_err(|source| DownloadError::WrongKey { source })?;
        if content.is_empty() {
            continue;
        }
        files.push(SharedFile { path: source.path, content, secret: source.key.ends_with(".key") });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::tests::settings;
    use super::super::{Change, ClusterObject, upload_certs};
    use super::*;

    /// A cluster with one Secret.
    struct One(Option<Value>);

    impl Cluster for One {
        fn apply(&mut self, _: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
            Ok(vec![])
        }
        fn get(&mut self, kind: &str, _: &str, name: &str) -> Result<Option<Value>, ClusterError> {
            assert_eq!((kind, name), ("Secret", NAME));
            Ok(self.0.clone())
        }
        fn list(&mut self, _: &str, _: &str) -> Result<Vec<Value>, ClusterError> {
            Ok(vec![])
        }
    }

    fn uploaded(key: &CertificateKey, settings: &Settings) -> Value {
        let sources = sources(settings);
        let files = sources
            .iter()
            .map(|s| (s.key, if s.key == "sa.pub" { b"".as_slice() } else { s.key.as_bytes() }));
        let objects = upload_certs::objects(key, files, datetime!(2026-11-28 10:00 UTC)).unwrap();
        objects.into_iter().find(|o| o.name() == NAME).unwrap().value
    }

    #[test]
    fn uploaded_files_come_back_at_their_paths_with_keys_secret() {
        let (key, settings) = (CertificateKey::generate().unwrap(), settings(""));
        let files = fetch(&mut One(Some(uploaded(&key, &settings))), &key, &settings).unwrap();
        let found: Vec<(String, bool)> =
            files.iter().map(|f| (f.path.display().to_string(), f.secret)).collect();
        assert!(found.contains(&("/etc/kubernetes/pki/etcd/ca.key".into(), true)), "{found:?}");
        assert!(found.contains(&("/etc/kubernetes/pki/ca.crt".into(), false)), "{found:?}");
        assert!(!found.iter().any(|(path, _)| path.ends_with("sa.pub")), "uploaded empty");
        assert_eq!(files[0].content.as_slice(), b"ca.crt");
    }

    #[test]
    fn gone_secret_wrong_key_and_missing_file_are_told_apart() {
        let (key, settings) = (CertificateKey::generate().unwrap(), settings(""));
        let error = |secret: Option<Value>, key: &CertificateKey| {
            fetch(&mut One(secret), key, &settings).map(|_| ()).unwrap_err().to_string()
        };
        assert!(error(None, &key).contains("two hours"));
        let secret = uploaded(&key, &settings);
        let other = CertificateKey::generate().unwrap();
        assert!(error(Some(secret.clone()), &other).starts_with("the certificate key is wrong"));
        let mut lacking = secret;
        lacking["data"].as_object_mut().unwrap().remove("sa.key");
        assert!(error(Some(lacking), &key).contains("has no sa.key"));
    }
}
