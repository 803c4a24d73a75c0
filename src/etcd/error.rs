//! Why etcd was not reached, or refused.

mod cause;

use std::error::Error as _;
use std::time::Duration;

use tonic::Code;

pub(crate) use cause::Cause;

/// Why a request to etcd failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EtcdError {
    /// The client can't be set up.
    #[error("the etcd client can't be set up: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
    /// No member answers.
    #[error("no etcd member answers: {}", join(tried))]
    Unreachable {
        /// What became of each endpoint.
        tried: Vec<Attempt>,
    },
    /// Fewer than a majority of the members are up.
    #[error("etcd has no leader: fewer than a majority of its members are up ({what})")]
    NoQuorum {
        /// What it said.
        what: String,
    },
    /// The member did not answer in time.
    #[error(
        "etcd at {endpoint} did not answer {method} within {} s: it is overloaded, or has lost its quorum",
        after.as_secs()
    )]
    Timeout {
        /// Its client URL.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// How long it was given.
        after: Duration,
    },
    /// The member that was asked is a learner, which answers few questions.
    #[error("etcd at {endpoint} is a learner, which does not answer {method}")]
    Learner {
        /// Its client URL.
        endpoint: String,
        /// The method.
        method: &'static str,
    },
    /// It has a learner already: etcd takes one at a time.
    #[error("etcd has a learner already, and takes one at a time")]
    TooManyLearners,
    /// The learner has not caught up with the leader.
    #[error("the learner has not caught up with the leader yet")]
    NotInSync,
    /// The member votes already.
    #[error("etcd member {id:x} is not a learner")]
    NotLearner {
        /// The id.
        id: u64,
    },
    /// A member with this peer URL exists.
    #[error("etcd has a member with this peer URL already")]
    PeerUrlExists,
    /// There is no such member.
    #[error("etcd has no member with id {id:x}")]
    NotFound {
        /// The id.
        id: u64,
    },
    /// Members must be healthy before one is added or removed.
    #[error("etcd refuses to change its members while one is unhealthy ({what})")]
    Unhealthy {
        /// What it said.
        what: String,
    },
    /// etcd's own authentication is on, and this client may not do it.
    #[error("etcd at {endpoint} does not allow {method} ({what})")]
    Forbidden {
        /// Its client URL.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// What it said.
        what: String,
    },
    /// The database has reached its quota.
    #[error("the database of etcd at {endpoint} has reached its quota ({what})")]
    NoSpace {
        /// Its client URL.
        endpoint: String,
        /// What it said.
        what: String,
    },
    /// It refused for another reason.
    #[error("etcd refused {method}: {what}")]
    Refused {
        /// The method.
        method: &'static str,
        /// What it said.
        what: String,
    },
}

/// An endpoint that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint}: {cause}")]
pub(crate) struct Attempt {
    /// The client URL.
    pub(crate) endpoint: String,
    /// What happened.
    pub(crate) cause: Cause,
}

fn join(tried: &[Attempt]) -> String {
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl EtcdError {
    /// One endpoint that is not reached.
    pub(super) fn unreachable(endpoint: &str, cause: Cause) -> Self {
        Self::Unreachable { tried: vec![Attempt { endpoint: endpoint.to_owned(), cause }] }
    }

    /// What the status of a reply means; `id` is the member that the request was about.
    pub(super) fn of_status(endpoint: &str, method: &'static str, status: &tonic::Status, id: u64) -> Self {
        // Only a status that was made on this side has a source: the connection broke.
        if let Some(source) = status.source() {
            return Self::unreachable(endpoint, Cause::of(source));
        }
        let endpoint = endpoint.to_owned();
        let what = status.message().to_owned();
        let says = |part: &str| what.contains(part);
        match status.code() {
            _ if says("too many learner members") => Self::TooManyLearners,
            _ if says("can only promote a learner member which is in sync") => Self::NotInSync,
            _ if says("can only promote a learner member") => Self::NotLearner { id },
            _ if says("Peer URLs already exists") => Self::PeerUrlExists,
            _ if says("member not found") => Self::NotFound { id },
            _ if says("not supported for learner") => Self::Learner { endpoint, method },
            _ if says("unhealthy cluster") || says("re-configuration failed") => Self::Unhealthy { what },
            _ if says("no leader") || says("request timed out") || says("leader changed") => {
                Self::NoQuorum { what }
            }
            _ if says("database space exceeded") => Self::NoSpace { endpoint, what },
            Code::Unauthenticated | Code::PermissionDenied => Self::Forbidden { endpoint, method, what },
            _ if says("auth token") || says("user name is empty") => {
                Self::Forbidden { endpoint, method, what }
            }
            Code::Unimplemented => Self::unreachable(&endpoint, Cause::NotEtcd { reason: what }),
            Code::DeadlineExceeded => Self::NoQuorum { what: "it did not answer in time".into() },
            _ => Self::Refused { method, what },
        }
    }

    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoQuorum { .. }
            | Self::Timeout { .. }
            | Self::Learner { .. }
            | Self::TooManyLearners
            | Self::NotInSync
            | Self::Unhealthy { .. } => true,
            Self::Client { .. }
            | Self::PeerUrlExists
            | Self::NotLearner { .. }
            | Self::NotFound { .. }
            | Self::Forbidden { .. }
            | Self::NoSpace { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// Whether another member may answer the same request: this one certainly did nothing.
    pub(super) fn is_of_this_member(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Learner { .. } => true,
            Self::NoQuorum { what } => what.contains("no leader"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn of(code: Code, message: &str) -> EtcdError {
        EtcdError::of_status("https://a:2379", "M", &tonic::Status::new(code, message), 0xab)
    }

    #[test]
    fn etcds_refusals_are_told_apart() {
        let failed = Code::FailedPrecondition;
        let sync = "etcdserver: can only promote a learner member which is in sync with leader";
        assert_eq!(of(failed, sync), EtcdError::NotInSync);
        assert_eq!(
            of(failed, "etcdserver: can only promote a learner member"),
            EtcdError::NotLearner { id: 0xab }
        );
        assert_eq!(of(failed, "etcdserver: too many learner members in cluster"), EtcdError::TooManyLearners);
        let forbidden = of(Code::PermissionDenied, "etcdserver: permission denied").to_string();
        assert_eq!(forbidden, "etcd at https://a:2379 does not allow M (etcdserver: permission denied)");
        assert!(!of(Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded").is_passing());
    }

    #[test]
    fn request_that_may_have_been_carried_out_is_not_given_to_another_member() {
        assert!(of(Code::Unavailable, "etcdserver: no leader").is_of_this_member());
        assert!(!of(Code::Unavailable, "etcdserver: request timed out").is_of_this_member());
    }

    #[test]
    fn cause_is_found_below_its_wrappers() {
        let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(Cause::of(&refused), Cause::NotListening);
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, tls);
        assert_eq!(Cause::of(&wrapped), Cause::ServerCertificate { reason: "UnknownIssuer".into() });
    }
}
