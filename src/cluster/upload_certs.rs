//! The phase upload-certs: what the control-plane nodes share, encrypted, for two hours.

use std::path::PathBuf;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::bootstrap_token::timestamp;
use super::{Apply, CertificateKey, ClusterObject, ObjectError};
use crate::config::settings::NODE_BOOTSTRAP_GROUP;
use crate::config::{Settings, token};

/// How long the certificates stay in the cluster.
pub(crate) const LIFE_TIME: time::Duration = time::Duration::hours(2);
/// By which kubeadm tells its users what the token is good for.
const DESCRIPTION: &str = "Proxy for managing TTL for the kubeadm-certs secret";

/// A file that control-plane nodes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its key in the Secret.
    pub key: &'static str,
    /// Where it lies.
    pub path: PathBuf,
}

/// The files to upload, sorted by their keys. One that is absent is uploaded empty, and skipped by who joins.
pub(crate) fn sources(settings: &Settings) -> Vec<Source> {
    let pki = |key, file: &str| Source { key, path: settings.node.paths.certificates.join(file) };
    let mut sources = vec![
        pki("ca.crt", "ca.crt"),
        pki("ca.key", "ca.key"),
        pki("front-proxy-ca.crt", "front-proxy-ca.crt"),
        pki("front-proxy-ca.key", "front-proxy-ca.key"),
        pki("sa.key", "sa.key"),
        pki("sa.pub", "sa.pub"),
    ];
    match &settings.cluster.config.etcd.external {
        None => {
            sources.extend([pki("etcd-ca.crt", "etcd/ca.crt"), pki("etcd-ca.key", "etcd/ca.key")]);
        }
        Some(etcd) => sources.extend([
            Source { key: "external-etcd-ca.crt", path: (&etcd.ca_file).into() },
            Source { key: "external-etcd.crt", path: (&etcd.cert_file).into() },
            Source { key: "external-etcd.key", path: (&etcd.key_file).into() },
        ]),
    }
    sources.sort_by_key(|s| s.key);
    sources
}

#[derive(Template)]
#[template(path = "cluster/kubeadm-certs.yml")]
struct KubeadmCerts<'a> {
    token_id: &'a str,
    token_id_data: String,
    token_secret_data: String,
    description: String,
    expiration: String,
    files: Vec<(&'a str, String)>,
    joining_nodes: &'a str,
}

/// The Secret `kubeadm-certs` with the contents of [`sources`] by key, encrypted with `key`, and a token Secret that
/// owns it and so ends it [`LIFE_TIME`] after `now`. Who applies it fills in the owner's uid.
///
/// # Errors
/// When there is no randomness.
pub(crate) fn objects<'a>(
    key: &CertificateKey,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    now: OffsetDateTime,
) -> Result<Vec<ClusterObject>, ObjectError> {
    let token = token::generate()?;
    let (id, secret) = token::split(&token).ok_or(ObjectError::Token { index: 0 })?;
    let end = now.saturating_add(LIFE_TIME);
    let seal = |content: &[u8]| {
        if content.is_empty() { Ok(String::new()) } else { key.seal(content).map(|s| STANDARD.encode(s)) }
    };
    let template = KubeadmCerts {
        token_id: id,
        token_id_data: STANDARD.encode(id),
        token_secret_data: STANDARD.encode(secret),
        description: STANDARD.encode(DESCRIPTION),
        expiration: STANDARD
            .encode(timestamp(end).map_err(|reason| ObjectError::Expiry { index: 0, reason })?),
        files: files
            .into_iter()
            .map(|(name, content)| Ok((name, seal(content)?)))
            .collect::<Result<_, ObjectError>>()?,
        joining_nodes: NODE_BOOTSTRAP_GROUP,
    };
    let mut objects = ClusterObject::render(&template, Apply::CreateOrUpdate)?;
    for object in &mut objects {
        object.secret = object.kind() == "Secret";
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn what_joins_finds_its_files_and_the_empty_stay_empty() {
        let key = CertificateKey::generate().unwrap();
        let files = [("ca.crt", b"certificate".as_slice()), ("ca.key", b"")];
        let objects = objects(&key, files, datetime!(2026-11-23 10:00 UTC)).unwrap();
        let [token, certs, ..] = objects.as_slice() else { panic!("{objects:?}") };
        let text =
            |o: &ClusterObject, k: &str| STANDARD.decode(o.value["data"][k].as_str().unwrap()).unwrap();
        assert_eq!(text(token, "expiration"), b"2026-11-23T12:00:00Z");
        assert_eq!(key.open(&text(certs, "ca.crt")).unwrap().as_slice(), b"certificate");
        assert_eq!(text(certs, "ca.key"), b"");
        assert_eq!(certs.value["metadata"]["ownerReferences"][0]["name"], token.name());
        let secret: Vec<bool> = objects.iter().map(|o| o.secret).collect();
        assert_eq!(secret, [true, true, false, false]);
    }
}
