//! Why a cluster did not do what it was asked, in words that say what to do.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::{ObjectError, ObjectName};
use crate::host::net;

/// How long a refusal is doubted that is final once the API server is up: while it starts, allocators and
/// authenticators are not ready yet, and the old one may still answer.
const DOUBT: Duration = Duration::from_secs(10);

/// How long a Node may take to be registered until somebody looks why: kubelet tries again every few seconds.
const REGISTRATION: Duration = Duration::from_secs(4);

/// Why something was not done to a cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// An object could not be read or written.
    #[error("can't {action} {object}: {refusal} ({}); {}", waited(.after), .refusal.advice())]
    Object {
        /// `apply`, `patch`, `read`.
        action: &'static str,
        /// Which one.
        object: Box<ObjectName>,
        /// The last reason.
        refusal: Refusal,
        /// For how long it was tried.
        after: Duration,
    },
    /// The administrators' group has no rights, and nobody here may give them.
    #[error(
        "admin.conf's user may not administer the cluster ({refusal}), and there is no super-admin.conf to give it the right: make it with `kubestrap init phase kubeconfig super-admin`, or restore the ClusterRoleBinding kubeadm:cluster-admins"
    )]
    NoSuperAdmin {
        /// What the API server said.
        refusal: Refusal,
    },
    /// The API server is not healthy, or does not say so.
    #[error("the API server at {server} is not healthy: {refusal}; {}", .refusal.advice())]
    Unhealthy {
        /// Its URL.
        server: String,
        /// What it said.
        refusal: Refusal,
    },
    /// A kubeconfig can't be used.
    #[error(
        "{file} can't be used: {reason}; move it away and generate it again with `kubestrap init phase kubeconfig all`"
    )]
    Kubeconfig {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// There is no kubeconfig.
    #[error("{file} does not exist: this machine is not a node of a cluster, or the file was moved away")]
    NoKubeconfig {
        /// The file.
        file: String,
    },
    /// A kind that init has nothing to do with.
    #[error("kind {kind} is not one that init works on")]
    UnknownKind {
        /// The kind.
        kind: String,
    },
    /// An object that could not be made.
    #[error(transparent)]
    Make(#[from] ObjectError),
}

impl ClusterError {
    /// Whether it failed because kubelet has not registered the Node.
    pub(crate) fn is_node_absent(&self) -> bool {
        matches!(self, Self::Object { refusal: Refusal::NodeAbsent, .. })
    }
}

fn waited(after: &Duration) -> String {
    if after.as_secs() == 0 { "after less than 1 s".into() } else { format!("after {} s", after.as_secs()) }
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nobody listens.
    #[error("nothing listens at {server} (connection refused)")]
    NotListening {
        /// The API server's URL.
        server: String,
    },
    /// The server's certificate is not to be trusted.
    #[error("the certificate of {server} is not trusted: {reason}")]
    Certificate {
        /// The API server's URL.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer in time.
    #[error("{server} did not answer within {} s", .limit.as_secs())]
    Silent {
        /// The API server's URL.
        server: String,
        /// How long an answer may take.
        limit: Duration,
    },
    /// The connection failed otherwise.
    #[error("the connection to {server} failed: {reason}")]
    Connection {
        /// The API server's URL.
        server: String,
        /// Why.
        reason: String,
    },
    /// The API server said no.
    #[error("HTTP {code} {reason}: {message}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// Kubernetes' reason: `Forbidden`.
        reason: String,
        /// Its explanation.
        message: String,
    },
    /// What answered is not an API server.
    #[error("{server} answered, but not as a Kubernetes API server does: {reason}")]
    NotAnApi {
        /// The URL.
        server: String,
        /// What was odd.
        reason: String,
    },
    /// The Node is not there.
    #[error("there is no such Node: kubelet has not registered it")]
    NodeAbsent,
    /// The Node is not complete.
    #[error("the Node has no label kubernetes.io/hostname yet")]
    NodeIncomplete,
}

impl Refusal {
    /// What to make of an error of the client's.
    pub(super) fn of(server: &str, error: &kube::Error) -> Self {
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) => Self::Status {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.trim().to_owned(),
            },
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
                Self::NotAnApi { server, reason: "its answer is not JSON".into() }
            }
            other => Self::of_connection(server, other),
        }
    }

    fn of_connection(server: String, error: &(dyn Error + 'static)) -> Self {
        let mut reason = error.to_string();
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(cause) = next {
            reason = cause.to_string();
            let io = cause.downcast_ref::<io::Error>();
            if io.is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
                return Self::NotListening { server };
            }
            if let Some((_, problem)) = reason.split_once("invalid peer certificate: ") {
                return Self::Certificate { reason: problem.to_owned(), server };
            }
            // An `io::Error` hides what it holds from `source`, if that is its only text.
            let held = io.and_then(|e| e.get_ref()).map(|e| e as &(dyn Error + 'static));
            next = cause.source().or(held);
        }
        Self::Connection { server, reason }
    }

    /// The HTTP status, if there is one.
    pub(crate) fn code(&self) -> Option<u16> {
        if let Self::Status { code, .. } = self { Some(*code) } else { None }
    }

    pub(super) fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// How long to go on in spite of it; none is as long as there is time.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Status { code: 400 | 405 | 406 | 413 | 415, .. } => Some(Duration::ZERO),
            Self::Status { code: 401 | 422, .. } | Self::Certificate { .. } => Some(DOUBT),
            Self::Connection { reason, .. }
                if net::unresolved(reason).is_some_and(|(_, definite)| definite) =>
            {
                Some(DOUBT)
            }
            Self::NodeAbsent => Some(REGISTRATION),
            _ => None,
        }
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::NotListening { .. } => "kube-apiserver is not running: the log of its container says why",
            Self::Certificate { .. } => {
                "another cluster's API server answers there, or the kubeconfig is another cluster's: its CA must be the one that signed the server's certificate, for this address and the present time"
            }
            Self::Silent { .. } | Self::Connection { .. } => {
                "see whether kube-apiserver is overloaded or restarting (the log of its container), and whether a firewall or proxy is in between"
            }
            Self::NotAnApi { .. } => "see what listens there: it is not kube-apiserver",
            Self::NodeAbsent | Self::NodeIncomplete => {
                "see kubelet's log: whether it runs, reaches the API server, and registers under this name"
            }
            Self::Status { code, .. } => match code {
                400 | 405 | 406 | 413 | 415 => {
                    "the API server does not understand it: is its version the one asked for?"
                }
                401 => {
                    "the API server does not know the client certificate: it is expired, not valid yet (compare the clock: `timedatectl`), or not signed by the CA that the server has; `kubestrap certs inspect` shows which. If the CA's files were replaced, put them back; else move the kubeconfig away and generate it again with `kubestrap init phase kubeconfig all`"
                }
                403 => {
                    "the kubeconfig's user may not do it: restore the ClusterRoleBinding kubeadm:cluster-admins with super-admin.conf, or see which admission plugin or webhook forbids it"
                }
                404 => {
                    "its namespace does not exist: the API server creates kube-system and kube-public when it starts; see its log"
                }
                409 => {
                    "something else keeps changing it: see who, with `kubectl get KIND NAME -o yaml --show-managed-fields`"
                }
                422 => {
                    "a value is refused, or one that can't be changed differs from the existing object's: correct the configuration, or delete the object and run again"
                }
                429 => "the API server is overloaded: see what sends it so many requests, and run again",
                500..=599 => {
                    "the API server could not do it: see its log, and etcd's, and whether a webhook is down"
                }
                _ => "see the API server's log",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_where_why_and_what_to_do() {
        let refusal = Refusal::Status { code: 403, reason: "Forbidden".into(), message: "no access".into() };
        let object = ObjectName { kind: "ConfigMap".into(), namespace: "n".into(), name: "m".into() };
        let error = ClusterError::Object {
            action: "apply",
            object: object.into(),
            refusal,
            after: Duration::from_secs(60),
        };
        let text = error.to_string();
        for part in [
            "can't apply ConfigMap n/m",
            "HTTP 403 Forbidden: no access",
            "after 60 s",
            "kubeadm:cluster-admins",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_cause_is_found_below_its_wrappers() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "no");
        let wrapped = kube::Error::Service(Box::new(io::Error::other(refused)));
        assert!(matches!(Refusal::of("s", &wrapped), Refusal::NotListening { .. }));
        let tls = kube::Error::Service("x: invalid peer certificate: UnknownIssuer".into());
        assert_eq!(
            Refusal::of("s", &tls),
            Refusal::Certificate { server: "s".into(), reason: "UnknownIssuer".into() }
        );
    }

    #[test]
    fn name_that_no_name_server_knows_is_not_asked_for_as_long_as_one_that_none_tells() {
        let refusal = |why: &str| Refusal::Connection {
            server: String::new(),
            reason: format!("failed to lookup address information: {why}"),
        };
        assert_eq!(refusal("Name or service not known").patience(), Some(DOUBT));
        assert_eq!(refusal("Temporary failure in name resolution").patience(), None);
    }
}
