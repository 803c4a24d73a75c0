//! How a joining node finds its cluster, and knows that it is the right one.
//!
//! - [`discover`] with a token: `cluster-info` is read from a server that nobody vouches for yet ([`token`]). It counts
//!   when it is signed with the token ([`jws`]) and its CA is one of those pinned ([`pins`]), and is then read again
//!   from a server whose certificate that CA signed.
//! - with a kubeconfig, a file or an https URL, which vouches for the cluster by itself ([`mod@file`]).
//!
//! Then the cluster's configuration is read ([`read_configuration`]).
//!
//! A server that does not answer may come up still, so what fails is repeated ([`retry`]) until the time is up; what is
//! proven to stay as it is ends it sooner. [`Cause`] says what failed, why, and what to do.

mod cause;
mod certificate;
mod client;
mod cluster_info;
mod explanation;
mod file;
mod jws;
mod pins;
mod read;
mod retry;
mod source;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::runtime::Handle;

use crate::config::v1beta4::Discovery;
use crate::kubeconfig::{Cluster, Kubeconfig, User};

pub(crate) use cause::Cause;
pub(crate) use read::read_configuration;
pub(crate) use retry::Waiting;

/// The cluster's name in the kubeconfigs that a join writes: kubeadm's.
const CLUSTER_NAME: &str = "kubernetes";
/// The name of who asks for kubelet's certificate with a token: kubeadm's.
const TOKEN_USER: &str = "tls-bootstrap-token-user";

/// What was discovered.
#[derive(Clone, Debug)]
pub(crate) struct Discovered {
    /// With which the cluster is reached from now on, and kubelet asks for its certificate. It embeds everything.
    pub(crate) kubeconfig: Kubeconfig,
    /// URL of the API server.
    pub(crate) server: String,
    /// The cluster's CA certificates, PEM.
    pub(crate) ca: String,
    /// As whom, in words.
    pub(crate) credentials: String,
    /// What is odd, but no error.
    pub(crate) warnings: Vec<String>,
}

impl Discovered {
    fn new(server: String, ca: String, credentials: Credentials<'_>) -> Self {
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &ca);
        let cluster =
            Cluster { server: server.clone(), certificate_authority_data: data, ..Cluster::default() };
        let (kubeconfig, credentials) = match credentials {
            Credentials::Token(token) => {
                let user = User { token: token.to_owned(), ..User::default() };
                let id = token.split('.').next().unwrap_or_default();
                (Kubeconfig::new(CLUSTER_NAME, cluster, TOKEN_USER, user), format!("the token {id:?}"))
            }
            Credentials::Kubeconfig(kubeconfig, credentials) => {
                let mut kubeconfig = kubeconfig.clone();
                for named in &mut kubeconfig.clusters {
                    let tls_server_name = std::mem::take(&mut named.cluster.tls_server_name);
                    named.cluster = Cluster { tls_server_name, ..cluster.clone() };
                }
                (kubeconfig, credentials.to_owned())
            }
        };
        Self { kubeconfig, server, ca, credentials, warnings: vec![] }
    }
}

/// As whom the cluster is reached after the discovery.
enum Credentials<'a> {
    /// A bootstrap token.
    Token(&'a str),
    /// A kubeconfig's only user, and what that shows, in words.
    Kubeconfig(&'a Kubeconfig, &'static str),
}

/// A cluster that was not discovered.
#[derive(Debug)]
pub(crate) struct DiscoveryError {
    /// Why not.
    pub(crate) cause: Box<Cause>,
    /// After how long.
    pub(crate) after: Duration,
    /// What was done.
    doing: Doing,
}

/// What a join does with a cluster before it is part of it.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Discovering,
    Reading,
}

impl DiscoveryError {
    fn what(&self) -> String {
        match self.after.as_secs() {
            0 => self.cause.to_string(),
            seconds => format!("{} (after {seconds} s)", self.cause),
        }
    }
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explanation = self.cause.explanation();
        let doing = match self.doing {
            Doing::Discovering => "discover the cluster",
            Doing::Reading => "read the cluster's configuration",
        };
        write!(f, "could not {doing}: {}", self.what())?;
        for line in explanation.evidence {
            write!(f, "\n  {line}")?;
        }
        if let Some(why) = explanation.why {
            write!(f, "\n  cause: {why}")?;
        }
        write!(f, "\n  fix: {}", explanation.fix)
    }
}

impl std::error::Error for DiscoveryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// Finds the cluster that `discovery`, checked and with defaults, names. What fails is repeated for `limit`; `report`
/// is told now and then what it waits for. `runtime` must have threads of its own.
///
/// # Errors
/// When the cluster is not found in time, is another one, or never will answer.
pub(crate) fn discover(
    runtime: &Handle,
    discovery: &Discovery,
    limit: Duration,
    report: &mut dyn FnMut(&Waiting<'_>),
) -> Result<Discovered, DiscoveryError> {
    let tls_bootstrap_token = &discovery.tls_bootstrap_token;
    let found = async {
        match (&discovery.bootstrap_token, &discovery.file) {
            (Some(bootstrap), _) => token::discover(bootstrap, tls_bootstrap_token, limit, report).await,
            (None, Some(given)) => {
                file::discover(&given.kube_config_path, tls_bootstrap_token, limit, report).await
            }
            (None, None) => Err((Cause::Nothing, Duration::ZERO)),
        }
    };
    runtime.block_on(found).map_err(|(cause, after)| DiscoveryError {
        cause: Box::new(cause),
        after,
        doing: Doing::Discovering,
    })
}

/// What discovery by token would find, if the endpoint led to a cluster with this CA (PEM): for a dry run without the
/// cluster. A discovery file is not assumed to be right.
pub(crate) fn assumed(discovery: &Discovery, ca: &str) -> Option<Discovered> {
    let bootstrap = discovery.bootstrap_token.as_ref()?;
    let server = format!("https://{}", bootstrap.api_server_endpoint);
    Some(Discovered::new(server, ca.to_owned(), Credentials::Token(&discovery.tls_bootstrap_token)))
}

/// The clock of this machine.
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
