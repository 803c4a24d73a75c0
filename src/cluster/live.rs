//! A real cluster.

use std::time::Duration;

use http::Request;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::runtime::Handle;

use super::apply::apply_all;
use super::cluster_admins::bind_admins;
use super::connection::{Connection, REQUEST_TIMEOUT, collection};
use super::{Change, Cluster, ClusterError, ClusterObject, ObjectName, Refusal, copied_link};
use crate::host::{http_client, net};
use crate::yaml;

/// How to get to an API server.
#[derive(Clone, Debug)]
pub(crate) struct Access<'a> {
    /// A runtime with more than one thread, which must outlive the cluster.
    pub runtime: &'a Handle,
    /// URL of the API server to ask, instead of the kubeconfig's: this node's own.
    pub server: Option<&'a str>,
    /// For how long a request that fails is repeated.
    pub limit: Duration,
    /// Have the API server only say what it would make of what is written (`dryRun=All`).
    pub dry_run: bool,
    /// The API server does not start up: a client that it does not know it will not know later.
    pub settled: bool,
}

/// A kubeconfig's file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KubeconfigFile<'a> {
    /// Its path, for messages.
    pub path: &'a str,
    /// Its text, a secret.
    pub text: &'a str,
}

/// A cluster, reached through its API server with a kubeconfig's identity.
pub(crate) struct KubeCluster {
    pub(super) runtime: Handle,
    pub(super) connection: Connection,
}

impl KubeCluster {
    /// Prepares to reach the cluster of a kubeconfig; nothing is asked yet.
    ///
    /// # Errors
    /// When the kubeconfig can't be used.
    pub(crate) fn new(access: &Access<'_>, file: KubeconfigFile<'_>) -> Result<Self, ClusterError> {
        let error = |reason: String| ClusterError::Kubeconfig { file: file.path.to_owned(), reason };
        // Without the parser's words, which may repeat a secret.
        let form = || error("it does not have the form of a kubeconfig".into());
        let value = yaml::parse_values(file.text).ok().and_then(|d| d.into_iter().next()).ok_or_else(form)?;
        let mut kubeconfig: Kubeconfig = serde_json::from_value(value).map_err(|_| form())?;
        copied_link::follow(&mut kubeconfig);
        if let Some(server) = access.server {
            for cluster in kubeconfig.clusters.iter_mut().filter_map(|c| c.cluster.as_mut()) {
                cluster.server = Some(server.to_owned());
            }
        }
        let clusters = kubeconfig.clusters.iter().filter_map(|c| c.cluster.as_ref());
        let proxied = clusters.into_iter().any(|cluster| cluster.proxy_url.is_some());
        let options = KubeConfigOptions::default();
        let mut config = access
            .runtime
            .block_on(Config::from_custom_kubeconfig(kubeconfig, &options))
            .map_err(|e| error(e.to_string()))?;
        // Requests are repeated by our own rules; a cluster's network is reached without the proxy that the environment
        // names for others.
        config.default_retry = false;
        if access.server.is_some() || !proxied {
            config.proxy_url = None;
        }
        config.connect_timeout = Some(REQUEST_TIMEOUT);
        let server = config.cluster_url.to_string();
        net::server_url(&server).map_err(error)?;
        let why = if access.server.is_some() { "this node's own, as the user of" } else { "as named by" };
        tracing::info!("API server {server}: {why} {}", file.path);
        let _context = access.runtime.enter();
        let client = http_client(config).map_err(|e| error(e.to_string()))?;
        Ok(Self::with_client(access, client, server.trim_end_matches('/')))
    }

    /// A cluster behind a client.
    pub(super) fn with_client(access: &Access<'_>, client: Client, server: &str) -> Self {
        let connection = Connection::new(client, server, access.limit, access.dry_run, access.settled);
        Self { runtime: access.runtime.clone(), connection }
    }

    /// Reaches the cluster as its administrator, making sure that it is one: that admin.conf's group is bound to
    /// `cluster-admin`. Where admin.conf's user may not do that, super-admin.conf's does (kubeadm's rule). Waits for
    /// the API server to answer; one that has just started refuses the administrator (403) for a moment still, until
    /// it has made its own roles, which [`Cluster::apply`] and [`Cluster::get`] outlast.
    ///
    /// # Errors
    /// When the API server does not answer in time, or nobody may bind the group.
    pub(crate) fn as_admin(
        access: &Access<'_>,
        admin: KubeconfigFile<'_>,
        super_admin: Option<KubeconfigFile<'_>>,
    ) -> Result<Self, ClusterError> {
        let super_admin = super_admin.map(|file| Self::new(access, file)).transpose()?;
        let admin = Self::new(access, admin)?;
        let other = super_admin.as_ref().map(|cluster| &cluster.connection);
        bind_admins(access.runtime, &admin.connection, other)?;
        Ok(admin)
    }

    /// The client, to ask for what else there is.
    pub(crate) fn client(&self) -> &Client {
        self.connection.client()
    }

    /// Asks once for an object, and waits no longer than `limit`.
    ///
    /// # Errors
    /// When it can't be had.
    pub(crate) fn get_once(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        limit: Duration,
    ) -> Result<Option<Value>, ClusterError> {
        let path = collection(kind, namespace)?;
        let answer = async { tokio::time::timeout(limit, self.connection.get(&path, name)).await };
        let silent = |_| Err(Refusal::Silent { server: self.connection.server().to_owned(), limit });
        let object = || ObjectName { kind: kind.into(), namespace: namespace.into(), name: name.into() };
        self.runtime.block_on(answer).unwrap_or_else(silent).map_err(|refusal| ClusterError::Object {
            action: "read",
            object: Box::new(object()),
            refusal,
            after: Duration::ZERO,
        })
    }
}

impl Cluster for KubeCluster {
    fn outlast(&mut self, limit: Duration) {
        self.connection.outlast(limit);
    }

    fn try_out(&mut self, object: ClusterObject) -> Result<(), ClusterError> {
        self.runtime.block_on(apply_all(&self.connection.trial(), vec![object])).map(drop)
    }

    fn apply(&mut self, objects: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
        self.runtime.block_on(apply_all(&self.connection, objects))
    }

    fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        let path = collection(kind, namespace)?;
        let object = ObjectName { kind: kind.into(), namespace: namespace.into(), name: name.into() };
        let answer = self.connection.repeat("read", &object, || self.connection.get(&path, name));
        self.runtime.block_on(answer)
    }

    fn read(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        let path = collection(kind, namespace)?;
        let object = ObjectName { kind: kind.into(), namespace: namespace.into(), name: name.into() };
        let attempt = async || match self.connection.get(&path, name).await {
            Err(refusal) if matches!(refusal.code(), Some(401 | 403)) => Ok(Err(refusal)),
            other => other.map(Ok),
        };
        let answer = self.runtime.block_on(self.connection.repeat("read", &object, attempt))?;
        answer.map_err(|refusal| ClusterError::Object {
            action: "read",
            object: Box::new(object),
            refusal,
            after: Duration::ZERO,
        })
    }

    fn list(&mut self, kind: &str, namespace: &str) -> Result<Vec<Value>, ClusterError> {
        let mut all = vec![];
        let name = |object: &Value| {
            let text =
                |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("/metadata/namespace"), text("/metadata/name"))
        };
        self.for_each(kind, namespace, &mut |object| all.push(object))?;
        // Where the list was begun again, the later one counts.
        let mut seen = std::collections::HashSet::new();
        all.reverse();
        all.retain(|object| seen.insert(name(object)));
        all.reverse();
        Ok(all)
    }

    fn for_each(
        &mut self,
        kind: &str,
        namespace: &str,
        visit: &mut dyn FnMut(Value),
    ) -> Result<(), ClusterError> {
        let path = collection(kind, namespace)?;
        let objects = ObjectName { kind: kind.into(), namespace: namespace.into(), name: "*".into() };
        let mut next = Some(String::new());
        while let Some(token) = next {
            let attempt = async || match self.connection.page(&path, &token).await {
                // The server has forgotten this list: what is left of it is asked for as a whole.
                Err(refusal) if refusal.code() == Some(410) && !token.is_empty() => {
                    Ok((self.connection.list(&path, "").await?, None))
                }
                other => other,
            };
            let (items, following) =
                self.runtime.block_on(self.connection.repeat("list", &objects, attempt))?;
            items.into_iter().for_each(&mut *visit);
            next = following;
        }
        Ok(())
    }

    fn text(&mut self, path: &str) -> Result<String, ClusterError> {
        let server = || self.connection.server().to_owned();
        let request = Request::get(path).body(vec![]).map_err(|e| ClusterError::Unhealthy {
            server: server(),
            refusal: Refusal::Connection { server: server(), reason: e.to_string() },
        })?;
        let answer = self.runtime.block_on(self.connection.text(request));
        answer.map_err(|refusal| ClusterError::Unhealthy { server: server(), refusal })
    }
}

#[cfg(test)]
mod tests;
