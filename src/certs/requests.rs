//! Keys and certificate requests, for a CA whose key is elsewhere.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::kubeconfig::Embedded;
use super::managed::{Managed, Pki, Place, leaves, required};
use super::renewal::alike;
use super::spec::{client, leaf};
use crate::config::Settings;
use crate::host::{FileError, FileMode, Host, NewFile};
use crate::kubeconfig::{Cluster, Kubeconfig, ROWS, User};
use crate::pki::{Bundle, CertificateSpec, IssueError, KeyError, KeyPool, PrivateKey, certificate_request};
use crate::yaml::WriteError;

/// Requests are secrets' companions: kubeadm makes them for one reader, in folders of their own.
const REQUEST: FileMode = FileMode { file: 0o600, dir: 0o700 };

/// Why no requests were made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// Files stand where requests would go.
    #[error(
        "nothing was written, since these files exist already: {}; move them away, or name other directories with --cert-dir and --kubeconfig-dir", list(.files)
    )]
    Exists {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// The existing certificate can't be read.
    #[error("{} can't be read: {reason}", .path.display())]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file can't be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No request could be made.
    #[error("{name}: {source}")]
    Issue {
        /// For what.
        name: String,
        /// Why.
        #[source]
        source: IssueError,
    },
    /// A kubeconfig could not be written as YAML.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn list(files: &[PathBuf]) -> String {
    files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A request to be made: for whom, and the files that it goes to.
struct Request {
    name: String,
    spec: CertificateSpec,
    request: PathBuf,
    /// The key's file, or the kubeconfig that gets the key.
    key: PathBuf,
    /// That kubeconfig, still without the key.
    kubeconfig: Option<(Cluster, String)>,
}

/// Makes the keys and requests of every leaf and of the five kubeconfigs, below the folders that `settings` name.
/// Returns the names of what was made (kubeadm's: `etcd/peer`, `admin.conf`), those in files first.
///
/// # Errors
/// When any of the files is there already, before anything is written; or when one can't be made.
pub(crate) fn generate(
    settings: &Settings,
    host: &dyn Host,
    now: OffsetDateTime,
) -> Result<Vec<String>, RequestError> {
    let requests = requests(settings, now);
    let files = requests.iter().flat_map(|r| [&r.key, &r.request]);
    let existing: Vec<PathBuf> = files.filter(|f| host.exists(f)).cloned().collect();
    if !existing.is_empty() {
        return Err(RequestError::Exists { files: existing });
    }
    let keys = KeyPool::start(settings.cluster.algorithm, requests.len());
    let mut made = vec![];
    for Request { name, spec, request, key, kubeconfig } in requests {
        let private = keys.take()?;
        let text = certificate_request(&spec, &private)
            .map_err(|source| RequestError::Issue { name: name.clone(), source })?;
        let pem = private.to_pem()?;
        let kubeconfig = match kubeconfig {
            None => None,
            Some((cluster, user)) => {
                let entry = User { client_key_data: STANDARD.encode(pem.as_bytes()), ..User::default() };
                Some(
                    Kubeconfig::new(&settings.cluster.config.cluster_name, cluster, &user, entry)
                        .to_yaml()?,
                )
            }
        };
        let content = kubeconfig.as_deref().map_or(pem.as_bytes(), str::as_bytes);
        host.write_together(&[
            NewFile { path: &key, content, mode: REQUEST },
            NewFile { path: &request, content: text.as_bytes(), mode: REQUEST },
        ])?;
        made.push(name);
    }
    Ok(made)
}

/// Makes a new key and a request like an existing certificate, in a directory of their own; returns the request's file.
/// One that is there already is kept: the CA's owner may be at work on it.
///
/// # Errors
/// When the certificate can't be read, or a file not be written.
pub(crate) fn renewal(
    managed: &Managed,
    pki: &Pki,
    dir: &Path,
    host: &dyn Host,
    now: OffsetDateTime,
) -> Result<PathBuf, RequestError> {
    let name = managed.name;
    let (key, request) = (dir.join(format!("{name}.key")), dir.join(format!("{name}.csr")));
    if host.exists(&key) && host.exists(&request) {
        return Ok(request);
    }
    let path = managed.path(pki);
    let unreadable = |reason: String| RequestError::Unreadable { path: path.clone(), reason };
    let text = required(host, &path)?;
    let old = match managed.place {
        Place::File(_) => Bundle::from_pem(&text).map_err(|e| e.to_string()),
        Place::Kubeconfig(_) => Embedded::parse(&text).and_then(|embedded| embedded.certificate()),
    };
    let old = old.map_err(unreadable)?.certificate;
    let issue = |source| RequestError::Issue { name: name.into(), source };
    let spec = CertificateSpec::renewal(&old, now, old.not_after()).map_err(issue)?;
    let private = PrivateKey::generate(alike(old.key_type()))?;
    let text = certificate_request(&spec, &private).map_err(issue)?;
    host.write_together(&[
        NewFile { path: &key, content: private.to_pem()?.as_bytes(), mode: REQUEST },
        NewFile { path: &request, content: text.as_bytes(), mode: REQUEST },
    ])?;
    Ok(request)
}

fn requests(settings: &Settings, now: OffsetDateTime) -> Vec<Request> {
    let external_etcd = settings.cluster.config.etcd.external.is_some();
    let files = leaves(external_etcd).into_iter().filter_map(|managed| match managed.place {
        Place::Kubeconfig(_) => None,
        Place::File(row) => Some(Request {
            name: row.base.into(),
            spec: leaf(settings, row, now),
            request: settings.node.paths.certificates.join(format!("{}.csr", row.base)),
            key: settings.node.paths.certificates.join(format!("{}.key", row.base)),
            kubeconfig: None,
        }),
    });
    let kubeconfigs = ROWS.iter().map(|row| Request {
        name: row.file.into(),
        spec: client(settings, row, now, now),
        request: settings.node.paths.kubeconfig(&format!("{}.csr", row.file)),
        key: settings.node.paths.kubeconfig(row.file),
        kubeconfig: Some((
            Cluster { server: row.server_url(settings), ..Cluster::default() },
            row.user(settings),
        )),
    });
    files.chain(kubeconfigs).collect()
}
