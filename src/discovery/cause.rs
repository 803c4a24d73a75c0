//! Why a cluster was not discovered.

use std::time::Duration;

use time::OffsetDateTime;

use crate::pki::ChainError;

/// Why a cluster was not discovered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// A name has no address, or nobody says which.
    #[error("the name {host:?} does not resolve: {reason}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
        /// Whether it is the answer of a name server, not the lack of one.
        definite: bool,
    },
    /// Nobody listens.
    #[error("{address} refuses the connection: nothing listens there")]
    Refused {
        /// `host:port`.
        address: String,
    },
    /// No answer in time.
    #[error("{address} does not answer within {} s", .limit.as_secs())]
    Silent {
        /// `host:port`.
        address: String,
        /// How long an answer may take.
        limit: Duration,
    },
    /// No way leads there.
    #[error("{address} can't be reached: {reason}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The connection ended before the answer.
    #[error("the connection to {address} failed: {reason}")]
    Broken {
        /// `host:port`.
        address: String,
        /// How.
        reason: String,
    },
    /// What listens does not speak TLS.
    #[error("{address} does not speak TLS: it is not a Kubernetes API server")]
    NotTls {
        /// `host:port`.
        address: String,
    },
    /// A TLS handshake that failed for another reason than the server's certificate.
    #[error("the TLS handshake with {address} failed: {reason}")]
    Handshake {
        /// `host:port`.
        address: String,
        /// How.
        reason: String,
    },
    /// A server's certificate, or its CA, is not valid at this time.
    #[error("the certificate of {address} can't be trusted: {why}")]
    Validity {
        /// `host:port`.
        address: String,
        /// Which, and when it is valid.
        why: ChainError,
        /// The server's clock.
        server_time: Option<OffsetDateTime>,
    },
    /// A server's certificate is for other names.
    #[error("the certificate of {address} is not for {host:?}")]
    WrongName {
        /// `host:port`.
        address: String,
        /// The name or address that was asked for.
        host: String,
        /// Those that it is for.
        names: Vec<String>,
    },
    /// A server's certificate was signed by another CA.
    #[error("the certificate of {address} is not signed by {}", authorities(.trusted.as_deref()))]
    OtherCa {
        /// `host:port`.
        address: String,
        /// Its subject.
        subject: String,
        /// Its issuer.
        issuer: String,
        /// The subjects of the CAs that are trusted; none are the machine's.
        trusted: Option<Vec<String>>,
        /// What TLS said.
        reason: String,
    },
    /// What answers is not an API server.
    #[error("{address} answers, but not as a Kubernetes API server does: {what}")]
    NotKubernetes {
        /// `host:port`.
        address: String,
        /// What it says instead.
        what: String,
    },
    /// An API server, or the load balancer before it, can't answer now.
    #[error("{address} is not ready: HTTP {code} {message}")]
    Unavailable {
        /// `host:port`.
        address: String,
        /// The HTTP status.
        code: u16,
        /// What it says.
        message: String,
    },
    /// The API server answers nobody who does not say who it is.
    #[error("the API server at {address} refuses anonymous requests (HTTP 401)")]
    Anonymous {
        /// `host:port`.
        address: String,
    },
    /// The API server does not know who asks.
    #[error("the API server at {address} does not accept {credentials} (HTTP 401)")]
    Unauthorized {
        /// `host:port`.
        address: String,
        /// What it was shown.
        credentials: String,
    },
    /// `cluster-info` is not for who asks, who is known.
    #[error(
        "the API server at {address} does not let {credentials} read the ConfigMap kube-public/cluster-info (HTTP 403)"
    )]
    NotForKnown {
        /// `host:port`.
        address: String,
        /// What it was shown.
        credentials: String,
        /// What it says.
        message: String,
    },
    /// `cluster-info` is not for everybody.
    #[error(
        "the API server at {address} does not let anybody read the ConfigMap kube-public/cluster-info (HTTP 403)"
    )]
    Forbidden {
        /// `host:port`.
        address: String,
        /// What it says.
        message: String,
        /// Whether the API server says that it is ready. Before that, it lets nobody read anything.
        ready: bool,
        /// Whether the cluster is being made, so that it may be for everybody soon.
        new: bool,
    },
    /// There is no `cluster-info`.
    #[error("the cluster at {address} has no ConfigMap kube-public/cluster-info (HTTP 404)")]
    NoClusterInfo {
        /// `host:port`.
        address: String,
    },
    /// `cluster-info` does not say what it should.
    #[error("the ConfigMap kube-public/cluster-info of {address} can't be used: {reason}")]
    ClusterInfo {
        /// `host:port`.
        address: String,
        /// Why not.
        reason: String,
    },
    /// `cluster-info` changed between two looks.
    #[error("{address} shows another cluster-info over the verified connection than before")]
    Changed {
        /// `host:port`.
        address: String,
    },
    /// `cluster-info` is not signed with the token.
    #[error("cluster-info of {address} is not signed with the token {id:?}{}", standing(*.known))]
    NotSigned {
        /// `host:port`.
        address: String,
        /// The token's id.
        id: String,
        /// The ids of the tokens that signed it.
        signed_by: Vec<String>,
        /// Whether the cluster is so new that nothing signs yet.
        new: bool,
        /// Whether the API server accepts the token, if it was asked.
        known: Option<bool>,
    },
    /// `cluster-info` is signed with a token of this id and another secret, or was changed.
    #[error(
        "the signature of cluster-info of {address} is not that of the token {id:?}: its secret is another one"
    )]
    Signature {
        /// `host:port`.
        address: String,
        /// The token's id.
        id: String,
    },
    /// The CA is not the one expected.
    #[error("the CA of the cluster at {address} is not the one that is pinned")]
    CaNotPinned {
        /// `host:port`.
        address: String,
        /// The digests of the CAs that the cluster has.
        served: Vec<String>,
        /// Those expected.
        expected: Vec<String>,
    },
    /// A discovery file that can't be read.
    #[error("the discovery file {file} can't be read: {reason}")]
    Unreadable {
        /// The file, or its URL.
        file: String,
        /// Why not.
        reason: String,
    },
    /// A discovery file that is not a kubeconfig that can be used.
    #[error("the discovery file {file} can't be used: {reason}")]
    Kubeconfig {
        /// The file, or its URL.
        file: String,
        /// Why not.
        reason: String,
    },
    /// A discovery file whose user needs a program.
    #[error(
        "the user of the discovery file {file} authenticates by `{plugin}`, which kubestrap does not run"
    )]
    Plugin {
        /// The file, or its URL.
        file: String,
        /// `exec` or `auth-provider`.
        plugin: &'static str,
    },
    /// A discovery file without a user, and no token.
    #[error(
        "the discovery file {file} has no credentials for the TLS bootstrap, and there is no token for it"
    )]
    NoCredentials {
        /// The file, or its URL.
        file: String,
    },
    /// Who asks is known, and may not read what joining nodes read.
    #[error("{credentials} may not read {object} ({message})")]
    NotAllowed {
        /// What was shown.
        credentials: String,
        /// What should be read.
        object: String,
        /// What the API server said.
        message: String,
    },
    /// The server that `cluster-info` or the discovery file names can't be used, where another was used before.
    #[error("the cluster's API server, {server}, can't be used from here: {refusal}")]
    OtherServer {
        /// Its URL.
        server: String,
        /// Why not.
        refusal: String,
    },
    /// The request could not be made.
    #[error("the API server can't be asked: {reason}")]
    Client {
        /// Why not.
        reason: String,
    },
    /// Nothing says where the cluster is.
    #[error("neither a bootstrap token nor a file was given for discovery")]
    Nothing,
}

impl Cause {
    /// Whether nothing answers: the cluster may be all right, and not be within reach.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::Unresolved { .. }
                | Self::Refused { .. }
                | Self::Silent { .. }
                | Self::Unreachable { .. }
                | Self::Broken { .. }
                | Self::Unavailable { .. }
        )
    }

    /// Whether it is the configuration that is wrong, not the cluster or the way to it.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::Kubeconfig { .. }
                | Self::Plugin { .. }
                | Self::NoCredentials { .. }
                | Self::Nothing
        )
    }
}

fn authorities(subjects: Option<&[String]>) -> String {
    match subjects {
        Some(subjects) => format!("the cluster's CA ({})", subjects.join(", ")),
        None => "a CA that this machine trusts".into(),
    }
}

fn standing(known: Option<bool>) -> &'static str {
    match known {
        Some(true) => ", although the API server accepts the token",
        Some(false) => ", and the API server does not accept it: it is unknown or expired",
        None => ": it is unknown or expired",
    }
}
