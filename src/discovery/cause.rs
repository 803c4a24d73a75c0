//! Why a cluster was not discovered, and what to do about it.

use std::time::Duration;

use time::OffsetDateTime;

use super::certificate;
use super::retry::Patience;
use crate::config::settings::NODE_BOOTSTRAP_GROUP;
use crate::pki::ChainError;

/// How long something that looks final is doubted: a cluster, or what is in front of it, may be starting, and a
/// machine's clock be set.
const DOUBT: Duration = Duration::from_secs(10);
/// How long a new cluster may take until its API server is ready, and until kube-controller-manager has signed
/// cluster-info.
const FIRST_SIGNATURE: Duration = Duration::from_secs(60);
/// How long `init` may take from an API server that is ready to a cluster-info that anybody may read: it waits for the
/// other components in between.
const REST_OF_INIT: Duration = Duration::from_secs(15);
/// The command that makes what a new node needs.
const NEW_TOKEN: &str = "`kubestrap token create --print-join-command` on a control-plane node prints a join command with a new token";

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
    #[error("neither a bootstrap token nor a file is given for the discovery")]
    Nothing,
}

/// A cause in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// What was seen.
    pub(crate) evidence: Vec<String>,
    /// Why it is so, where more is to be said than [`Cause`] does.
    pub(crate) why: Option<String>,
    /// What to do.
    pub(crate) fix: String,
}

impl Cause {
    /// How long it may stay before it counts as proven.
    pub(super) fn patience(&self) -> Patience {
        match self {
            Self::Refused { .. }
            | Self::Silent { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Unavailable { .. }
            | Self::Unresolved { definite: false, .. } => Patience::Limit,
            Self::NotSigned { new: true, .. } | Self::Forbidden { ready: false, .. } => {
                Patience::For(FIRST_SIGNATURE)
            }
            Self::Forbidden { new: true, .. } => Patience::For(REST_OF_INIT),
            Self::Unresolved { .. }
            | Self::NotTls { .. }
            | Self::Handshake { .. }
            | Self::Validity { .. }
            | Self::NotKubernetes { .. }
            | Self::Anonymous { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NoClusterInfo { .. }
            | Self::ClusterInfo { .. }
            | Self::Changed { .. }
            | Self::NotSigned { .. } => Patience::For(DOUBT),
            Self::WrongName { .. }
            | Self::OtherCa { .. }
            | Self::Signature { .. }
            | Self::CaNotPinned { .. }
            | Self::Unreadable { .. }
            | Self::Kubeconfig { .. }
            | Self::Plugin { .. }
            | Self::NoCredentials { .. }
            | Self::NotAllowed { .. }
            | Self::OtherServer { .. }
            | Self::Client { .. }
            | Self::Nothing => Patience::None,
        }
    }

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

    /// Why it is so and what to do.
    pub(crate) fn explanation(&self) -> Explanation {
        let mut evidence = vec![];
        let mut why = None;
        let fix = match self {
            Self::Unresolved { host, definite: true, .. } => {
                why = Some("a name server, or /etc/hosts alone, has no address for it".into());
                format!("correct the endpoint's name, or make it known: in DNS, or as a line `ADDRESS {host}` in /etc/hosts")
            }
            Self::Unresolved { .. } => {
                why = Some("no name server answers".into());
                "see /etc/resolv.conf and whether the name servers in it can be reached, or give the endpoint's IP address".into()
            }
            Self::Refused { address } => {
                why = Some("kube-apiserver, or the load balancer before it, is not running there, or a firewall refuses the connection".into());
                format!("see on the control-plane node whether kube-apiserver runs (`kubestrap diagnose`) and listens on this port, and whether {address} is the endpoint of the join command")
            }
            Self::Silent { address, .. } => {
                why = Some("a firewall or security group drops the packets, the address is another machine's, or a load balancer has no healthy API server behind it".into());
                format!("open the way to {address} from this machine, and see whether kube-apiserver is healthy there (`kubestrap diagnose`)")
            }
            Self::Unreachable { .. } => {
                "see this machine's network: its addresses, default route and cables (`ip address`, `ip route`)".into()
            }
            Self::Broken { .. } => {
                why = Some("kube-apiserver is starting or ending, or a load balancer has no healthy API server behind it".into());
                "see on the control-plane node whether kube-apiserver is healthy (`kubestrap diagnose`), and the health checks of the load balancer".into()
            }
            Self::NotTls { .. } | Self::NotKubernetes { .. } => {
                why = Some("the port is that of another service".into());
                "give the endpoint of the API server, by default port 6443, as the join command has it".into()
            }
            Self::Handshake { reason, .. } => {
                let wants_certificate = reason.to_lowercase().contains("certificate");
                why = wants_certificate
                    .then(|| "servers such as etcd want a client certificate: the port may be another service's".into());
                "give the endpoint of the API server, by default port 6443; see its log for why it ends the handshake".into()
            }
            Self::Validity { why: validity, server_time, .. } => match certificate::clocks(validity, *server_time) {
                Some(apart) => {
                    why = Some(apart);
                    "set the clock: `timedatectl set-ntp true`, or what keeps it on this machine; then see `timedatectl`".into()
                }
                None if matches!(validity, ChainError::Expired { .. }) => {
                    "renew it on the control-plane node: `kubestrap certs renew all`".into()
                }
                None => "compare the clocks of this machine and of the control-plane node (`date -u`)".into(),
            },
            Self::WrongName { names, host, .. } => {
                evidence.push(format!("it is for {}", names.join(", ")));
                format!("join with one of these as the endpoint, or add {host:?} to apiServer.certSANs of the cluster and make the certificate again (`kubestrap init phase certs apiserver`)")
            }
            Self::OtherCa { subject, issuer, reason, trusted, .. } => {
                evidence.push(format!("it is {subject:?}, issued by {issuer:?} ({reason})"));
                why = Some(if trusted.is_some() {
                    "another cluster's API server answers there, a load balancer ends TLS itself, or the cluster's CA was replaced and cluster-info still has the old one".into()
                } else {
                    "this machine does not trust who signed it".into()
                });
                if trusted.is_some() {
                    "see that the endpoint leads to this cluster's API servers without ending TLS on the way, and that kube-public/cluster-info has the CA of /etc/kubernetes/pki/ca.crt".into()
                } else {
                    "embed the cluster's CA in the kubeconfig (certificate-authority-data), or have this machine trust the web server's CA (package ca-certificates)".into()
                }
            }
            Self::Unavailable { .. } => {
                why = Some("kube-apiserver is starting, or a load balancer has no healthy API server behind it".into());
                "see on the control-plane node whether kube-apiserver is healthy (`kubestrap diagnose`)".into()
            }
            Self::Anonymous { .. } => {
                why = Some("kube-apiserver runs with --anonymous-auth=false, or its authentication configuration limits anonymous requests: a discovery by token needs them for cluster-info".into());
                "discover by a kubeconfig instead (`--discovery-file`, with the cluster's CA and a token), or allow anonymous requests".into()
            }
            Self::Unauthorized { .. } => {
                why = Some("it expired or was deleted, was never the cluster's, or may not be used for authentication".into());
                format!("give valid credentials: {NEW_TOKEN}")
            }
            Self::Forbidden { message, .. } => {
                evidence.push(message.clone());
                why = Some("the Role and RoleBinding kubeadm:bootstrap-signer-clusterinfo in kube-public, which let anybody read it, are not there (yet)".into());
                "restore them on a control-plane node (`kubestrap init phase bootstrap-token`), or discover by a kubeconfig (`--discovery-file`)".into()
            }
            Self::NoClusterInfo { .. } => {
                why = Some("`init` has not come as far as its phase bootstrap-token, or it was deleted".into());
                "make it on a control-plane node: `kubestrap init phase bootstrap-token`".into()
            }
            Self::ClusterInfo { .. } => {
                "make it again on a control-plane node: `kubestrap init phase bootstrap-token`".into()
            }
            Self::Changed { .. } => {
                why = Some("different clusters' API servers answer at this endpoint, or cluster-info is being changed".into());
                "see which API servers are behind the endpoint".into()
            }
            Self::NotSigned { id, signed_by, known, new, .. } => {
                evidence.push(match signed_by.as_slice() {
                    [] => "no token has signed it".into(),
                    ids => format!("it is signed with the tokens {}", ids.join(", ")),
                });
                match known {
                    Some(true) => {
                        why = Some("the token is not meant for signing (usage `signing`), or kube-controller-manager, which signs, is not running".into());
                        format!("see the token's usages on a control-plane node (`kubestrap token list`), and whether kube-controller-manager runs; or: {NEW_TOKEN}")
                    }
                    Some(false) | None => {
                        why = Some(if *new && signed_by.is_empty() {
                            "the cluster is new, and kube-controller-manager, which signs, may not be running; or the token does not exist".into()
                        } else {
                            format!("the token {id} does not exist: it expired (after 24 hours, unless another life time was given), was deleted, or belongs to another cluster")
                        });
                        NEW_TOKEN.into()
                    }
                }
            }
            Self::Signature { .. } => {
                why = Some("the token's secret (the part after the dot) is mistyped or of an older token, or this is not the cluster that the token belongs to".into());
                format!("compare the token with `kubestrap token list` on a control-plane node; {NEW_TOKEN}")
            }
            Self::CaNotPinned { served, expected, .. } => {
                evidence.push(format!("the cluster's CA: {}", served.join(", ")));
                evidence.push(format!("pinned: {}", expected.join(", ")));
                why = Some("the hash is of another cluster or mistyped, or the server is not the one it is taken for".into());
                "compare with the hash that `kubestrap token create --print-join-command` prints on a control-plane node".into()
            }
            Self::Unreadable { .. } | Self::Kubeconfig { .. } => {
                "give a kubeconfig, a file's path or an https URL, with the cluster's server and CA".into()
            }
            Self::Plugin { .. } => {
                "give the user a token or a client certificate, or give a token for the TLS bootstrap (`--tls-bootstrap-token`) and a kubeconfig without a user".into()
            }
            Self::NoCredentials { .. } => {
                "add a user with a token or a client certificate to it, or give a token for the TLS bootstrap (`--tls-bootstrap-token`, `tlsBootstrapToken`)".into()
            }
            Self::NotAllowed { .. } => {
                why = Some(format!("the token is not of the group {NODE_BOOTSTRAP_GROUP}, or the Roles and RoleBindings kubeadm:nodes-kubeadm-config and kubeadm:kubelet-config in kube-system are gone"));
                format!("see the token's groups (`kubestrap token list`), or store the configuration again, with its rights: `kubestrap init phase upload-config all`; {NEW_TOKEN}")
            }
            Self::OtherServer { .. } => {
                why = Some("cluster-info names it (it is the cluster's controlPlaneEndpoint, or the address of its first node), whatever endpoint was given; kubelet uses it, too".into());
                "make it known and reachable from this machine (DNS, /etc/hosts, firewall), or correct the cluster's controlPlaneEndpoint".into()
            }
            Self::Client { .. } => "correct the endpoint or the discovery file".into(),
            Self::Nothing => "give the endpoint of an API server and a token, or `--discovery-file`".into(),
        };
        Explanation { evidence, why, fix }
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
