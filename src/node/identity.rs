//! Who this node is, as its own files tell: its name, its container runtime, its API server's address.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::static_pod::{StaticPod, StaticPodError};
use crate::config::Paths;
use crate::host::{FileError, Host};
use crate::kubeconfig::{Kubeconfig, User};
use crate::manifest::Component;
use crate::pki::Bundle;
use crate::yaml;

/// What the user names of Nodes begin with.
const NODE_USER: &str = "system:node:";
/// Where a manifest of kube-apiserver tells its advertised address and port.
pub(crate) const ENDPOINT: &str =
    "/metadata/annotations/kubeadm.kubernetes.io~1kube-apiserver.advertise-address.endpoint";

/// Why a node's files don't tell who it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file does not say what it should.
    #[error("{file}: {reason}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// The Node's name, by the client certificate that kubelet.conf names or embeds; none without kubelet.conf.
///
/// # Errors
/// When kubelet.conf or its certificate can't be used.
pub(crate) fn node_name(paths: &Paths, host: &dyn Host) -> Result<Option<String>, IdentityError> {
    let path = paths.kubeconfig("kubelet.conf");
    let Some(text) = host.read(&path)? else { return Ok(None) };
    let content = |reason: String| IdentityError::Content { file: path.display().to_string(), reason };
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text)).map_err(content)?;
    let user =
        kubeconfig.current_user().ok_or_else(|| content("has no current context with a user".into()))?;
    let of_node = |user: &str| user.strip_prefix(NODE_USER).map(str::to_owned);
    let error =
        match certificate_of(user, host).and_then(|pem| Bundle::from_pem(&pem).map_err(|e| e.to_string())) {
            Ok(bundle) => {
                let subject = bundle.certificate.subject();
                let odd = || content(format!("its client certificate is not for a Node ({subject})"));
                return of_node(&subject.common_name).map(Some).ok_or_else(odd);
            }
            Err(error) => error,
        };
    // kubeadm calls the user by the same name as the certificate does.
    let context = kubeconfig.contexts.iter().find(|c| c.name == kubeconfig.current_context);
    let named = context.and_then(|c| of_node(&c.context.user));
    named.map(Some).ok_or_else(|| content(format!("its client certificate: {error}")))
}

/// The client certificate that a user of a kubeconfig embeds or names, as PEM.
fn certificate_of(user: &User, host: &dyn Host) -> Result<Vec<u8>, String> {
    if !user.client_certificate_data.is_empty() {
        return STANDARD.decode(&user.client_certificate_data).map_err(|e| format!("is not base64: {e}"));
    }
    // kubelet keeps certificate and key in one file.
    let file = Path::new(&user.client_certificate);
    let pem = host.read(file).map_err(|e| e.to_string())?;
    pem.ok_or_else(|| format!("{} does not exist", file.display()))
}

/// The container runtime's socket that kubelet uses here, by its own files; none where they don't tell.
///
/// # Errors
/// When one of them can't be read.
pub(crate) fn cri_socket(paths: &Paths, host: &dyn Host) -> Result<Option<String>, FileError> {
    for file in ["instance-config.yaml", "config.yaml"] {
        let Some(text) = host.read(&paths.kubelet.join(file))? else { continue };
        let documents = yaml::parse_values(&String::from_utf8_lossy(&text)).unwrap_or_default();
        let endpoint = documents.first().and_then(|d| d.get("containerRuntimeEndpoint"));
        if let Some(endpoint) = endpoint.and_then(Value::as_str).filter(|e| !e.is_empty()) {
            return Ok(Some(endpoint.to_owned()));
        }
    }
    kubelet_flag("container-runtime-endpoint", paths, host)
}

/// The folder of kubelet's own certificates here.
///
/// # Errors
/// When the file of kubelet's flags can't be read.
pub(crate) fn kubelet_certificate_dir(paths: &Paths, host: &dyn Host) -> Result<PathBuf, FileError> {
    Ok(paths.kubelet_certificates(kubelet_flag("cert-dir", paths, host)?.as_deref()))
}

/// The value that kubelet's flags file has for a flag; kubelet takes the last.
fn kubelet_flag(name: &str, paths: &Paths, host: &dyn Host) -> Result<Option<String>, FileError> {
    let flags = host.read(&paths.kubelet.join("kubeadm-flags.env"))?.unwrap_or_default();
    let flags = String::from_utf8_lossy(&flags).into_owned();
    let words = flags.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let mut values = words.filter_map(|word| word.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='));
    Ok(values.next_back().map(str::to_owned))
}

/// Address and port that this node's kube-apiserver advertises; none without such a manifest.
///
/// # Errors
/// When the manifest can't be read.
pub(crate) fn api_server_endpoint(
    manifests: &Path,
    host: &dyn Host,
) -> Result<Option<SocketAddr>, StaticPodError> {
    let Some(pod) = StaticPod::read(manifests, Component::ApiServer, host)? else { return Ok(None) };
    let annotated = pod.pod().pointer(ENDPOINT).and_then(Value::as_str).and_then(|e| e.parse().ok());
    Ok(annotated.or_else(|| {
        let ip = pod.flag("advertise-address")?.parse().ok()?;
        let port = pod.flag("secure-port").and_then(|p| p.parse().ok()).unwrap_or(6443);
        Some(SocketAddr::new(ip, port))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FileMode, RealHost};

    #[test]
    fn socket_is_found_in_the_file_that_each_version_has() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths { kubelet: dir.path().into(), ..Paths::new("/etc/kubernetes/pki", None) };
        let host = RealHost::new();
        let write = |name: &str, text: &str| {
            host.write(&dir.path().join(name), text.as_bytes(), FileMode::KUBELET).unwrap();
        };
        let socket = || cri_socket(&paths, &host).unwrap();
        assert_eq!(socket(), None);
        write(
            "kubeadm-flags.env",
            "KUBELET_KUBEADM_ARGS=\"--a=b --container-runtime-endpoint=unix:///old.sock\"\n",
        );
        assert_eq!(socket().as_deref(), Some("unix:///old.sock"));
        write("config.yaml", "containerRuntimeEndpoint: \"\"\n");
        assert_eq!(socket().as_deref(), Some("unix:///old.sock"));
        write("instance-config.yaml", "containerRuntimeEndpoint: \"unix:///new.sock\"\n");
        assert_eq!(socket().as_deref(), Some("unix:///new.sock"));

        let certificates = || kubelet_certificate_dir(&paths, &host).unwrap();
        assert_eq!(certificates(), dir.path().join("pki"));
        write(
            "kubeadm-flags.env",
            "KUBELET_KUBEADM_ARGS=\"--cert-dir=/a --cert-directory=/b --cert-dir=/c\"\n",
        );
        assert_eq!(certificates(), Path::new("/c"));
    }

    #[test]
    fn node_keeps_its_name_while_its_certificate_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::new("/etc/kubernetes/pki", Some(dir.path()));
        let host = RealHost::new();
        assert_eq!(node_name(&paths, &host).unwrap(), None);
        let write = |user: &str| {
            let text = format!(
                "current-context: c\ncontexts: [{{name: c, context: {{user: {user}, cluster: k}}}}]\nusers: [{{name: {user}, user: {{client-certificate: /nonexistent/current.pem}}}}]\nclusters: []\n"
            );
            std::fs::write(dir.path().join("kubelet.conf"), text).unwrap();
        };
        write("'system:node:cp1'");
        assert_eq!(node_name(&paths, &host).unwrap().as_deref(), Some("cp1"));
        write("admin");
        let error = node_name(&paths, &host).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/current.pem does not exist"), "{error}");
    }

    #[test]
    fn endpoint_is_the_manifest_s() {
        let dir = tempfile::tempdir().unwrap();
        let host = RealHost::new();
        assert_eq!(api_server_endpoint(dir.path(), &host).unwrap(), None);
        let text = "metadata:\n  annotations:\n    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: \"[fd00::2]:6444\"\n";
        std::fs::write(dir.path().join("kube-apiserver.yaml"), text).unwrap();
        let found = api_server_endpoint(dir.path(), &host).unwrap().unwrap();
        assert_eq!(found.to_string(), "[fd00::2]:6444");
    }
}
