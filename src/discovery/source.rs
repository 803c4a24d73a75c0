//! The discovery file: read from a path or an https URL, and made into a kubeconfig that embeds what it names.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::CLUSTER_NAME;
use super::cause::Cause;
use super::client::{Address, Caller};
use crate::config::names;
use crate::kubeconfig::{Context, Kubeconfig, NamedCluster, NamedContext, NamedUser, User};
use crate::pki::Bundle;
use crate::yaml;

/// What a discovery file says.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// One cluster and one user, everything embedded. The cluster's CA may be missing.
    pub(super) kubeconfig: Kubeconfig,
    /// Its CA.
    pub(super) ca: Option<Bundle>,
    /// What its user shows, in words; empty if nothing.
    pub(super) credentials: &'static str,
}

/// The text of the discovery file, and the directory that its paths count from.
pub(super) async fn read(file: &str) -> Result<(String, &Path), Cause> {
    if names::is_https(file) {
        return Ok((download(file).await?, Path::new("/")));
    }
    let path = Path::new(file.strip_prefix("file://").unwrap_or(file));
    let text = fs::read_to_string(path)
        .map_err(|e| Cause::Unreadable { file: file.to_owned(), reason: e.to_string() })?;
    Ok((text, path.parent().unwrap_or(Path::new("/"))))
}

async fn download(url: &str) -> Result<String, Cause> {
    let answer = Caller::public(url)?.fetch(path_of(url)).await?;
    match answer.code {
        200 => String::from_utf8(answer.body)
            .map_err(|_| Cause::Unreadable { file: url.to_owned(), reason: "it is not text".into() }),
        code @ (429 | 500..=599) => {
            let address = Address::of_url(url).map(|(a, _)| a.to_string()).unwrap_or_default();
            Err(Cause::Unavailable { address, code, message: String::new() })
        }
        code => Err(Cause::Unreadable { file: url.to_owned(), reason: format!("HTTP {code}") }),
    }
}

/// The path and query of a URL.
fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or("/")
}

impl Source {
    /// Reads the text of `file`; the paths in it count from `dir`.
    pub(super) fn parse(file: &str, text: &str, dir: &Path) -> Result<Self, Cause> {
        let bad = |reason: String| Cause::Kubeconfig { file: file.to_owned(), reason };
        let given = Kubeconfig::parse(text).map_err(bad)?;
        let context = given.contexts.iter().find(|c| c.name == given.current_context);
        // A cluster without a name is cluster-info's, which has no context.
        let named = given.clusters.iter().find(|c| c.name.is_empty());
        let by_context = context.and_then(|c| given.clusters.iter().find(|k| k.name == c.context.cluster));
        let cluster = named.or(by_context).ok_or_else(|| {
            bad(if context.is_none() {
                format!("its current context {:?} is not in it", given.current_context)
            } else {
                "the cluster of its current context is not in it".into()
            })
        })?;
        let mut cluster = cluster.cluster.clone();
        crate::host::net::server_url(&cluster.server)
            .map_err(|e| bad(format!("the server of its cluster: {e}")))?;
        let path = std::mem::take(&mut cluster.certificate_authority);
        embed(&mut cluster.certificate_authority_data, &path, dir).map_err(bad)?;
        let ca = if cluster.certificate_authority_data.is_empty() {
            None
        } else {
            let pem = STANDARD
                .decode(&cluster.certificate_authority_data)
                .map_err(|e| bad(format!("its CA is not base64: {e}")))?;
            Some(Bundle::from_pem(&pem).map_err(|e| bad(format!("its CA: {e}")))?)
        };
        if ca.is_some() && cluster.insecure_skip_tls_verify {
            return Err(bad(
                "its cluster has a CA and insecure-skip-tls-verify, which exclude each other".into()
            ));
        }
        let user = context.map(|c| c.context.user.as_str()).filter(|user| !user.is_empty());
        if let Some(plugin) = user.and_then(|user| plugin(text, user)) {
            return Err(Cause::Plugin { file: file.to_owned(), plugin });
        }
        let mut user = match user {
            None => NamedUser { name: "anonymous".into(), user: User::default() },
            Some(name) => given
                .users
                .iter()
                .find(|u| u.name == name)
                .cloned()
                .ok_or_else(|| bad(format!("the user {name:?} of its current context is not in it")))?,
        };
        let credentials = embed_user(&mut user.user, dir).map_err(bad)?;
        let name = context.map_or_else(|| format!("{}@{CLUSTER_NAME}", user.name), |c| c.name.clone());
        let kubeconfig = Kubeconfig {
            api_version: "v1".into(),
            kind: "Config".into(),
            clusters: vec![NamedCluster { name: CLUSTER_NAME.into(), cluster }],
            contexts: vec![NamedContext {
                name: name.clone(),
                context: Context {
                    cluster: CLUSTER_NAME.into(),
                    user: user.name.clone(),
                    namespace: context.map(|c| c.context.namespace.clone()).unwrap_or_default(),
                },
            }],
            current_context: name,
            preferences: None,
            users: vec![user],
        };
        Ok(Self { kubeconfig, ca, credentials })
    }
}

/// Embeds what a user names by files. Returns in words what it shows then.
fn embed_user(user: &mut User, dir: &Path) -> Result<&'static str, String> {
    let path = std::mem::take(&mut user.client_certificate);
    embed(&mut user.client_certificate_data, &path, dir)?;
    let path = std::mem::take(&mut user.client_key);
    embed(&mut user.client_key_data, &path, dir)?;
    let path = std::mem::take(&mut user.token_file);
    if user.token.is_empty() && !path.is_empty() {
        let token = fs::read_to_string(dir.join(&path)).map_err(|e| format!("its file {path}: {e}"))?;
        token.trim().clone_into(&mut user.token);
    }
    match (user.token.is_empty(), user.client_certificate_data.is_empty(), user.client_key_data.is_empty()) {
        (_, false, true) => Err("its user has a client certificate without a key".into()),
        (_, true, false) => Err("its user has a client key without a certificate".into()),
        (_, false, false) => Ok("the client certificate of the discovery file"),
        (false, true, true) => Ok("the token of the discovery file"),
        (true, true, true) => Ok(""),
    }
}

/// Fills `data` from the file at `path`, if there is one and `data` is empty.
fn embed(data: &mut String, path: &str, dir: &Path) -> Result<(), String> {
    if data.is_empty() && !path.is_empty() {
        let content = fs::read(dir.join(path)).map_err(|e| format!("its file {path}: {e}"))?;
        *data = STANDARD.encode(content);
    }
    Ok(())
}

/// The program by which a user authenticates, if it does.
fn plugin(text: &str, user: &str) -> Option<&'static str> {
    let document = yaml::parse_values(text).ok()?.into_iter().next()?;
    let users = document.get("users")?.as_array()?;
    let found = users.iter().find(|u| u.get("name").and_then(Value::as_str) == Some(user))?;
    ["exec", "auth-provider"]
        .into_iter()
        .find(|plugin| found.pointer(&format!("/user/{plugin}")).is_some_and(|v| !v.is_null()))
}
