//! Why etcd was not reached, or refused.

use tonic::Code;

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
    #[error("no etcd member answers: {}", tried.join("; "))]
    Unreachable {
        /// What each endpoint said.
        tried: Vec<String>,
    },
    /// Fewer than half of the members are up.
    #[error("etcd has no leader: fewer than half of its members are up ({what})")]
    NoQuorum {
        /// What it said.
        what: String,
    },
    /// It has a learner already: etcd takes one at a time.
    #[error("etcd has a learner already, and takes one at a time")]
    TooManyLearners,
    /// The learner has not caught up with the leader.
    #[error("the learner has not caught up with the leader yet")]
    NotInSync,
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
    /// It refused for another reason.
    #[error("etcd refused {method}: {what}")]
    Refused {
        /// The method.
        method: &'static str,
        /// What it said.
        what: String,
    },
}

impl EtcdError {
    /// What a reply's status means; `id` is the member that the request was about.
    pub(super) fn of_status(method: &'static str, status: &tonic::Status, id: u64) -> Self {
        let what = status.message().to_owned();
        let says = |part: &str| what.contains(part);
        match status.code() {
            _ if says("too many learner members") => Self::TooManyLearners,
            _ if says("can only promote a learner member which is in sync") => Self::NotInSync,
            _ if says("Peer URLs already exists") => Self::PeerUrlExists,
            _ if says("member not found") => Self::NotFound { id },
            _ if says("unhealthy cluster") || says("re-configuration failed") => Self::Unhealthy { what },
            _ if says("no leader") || says("request timed out") || says("leader changed") => {
                Self::NoQuorum { what }
            }
            Code::DeadlineExceeded => Self::NoQuorum { what: "it did not answer in time".into() },
            _ => Self::Refused { method, what },
        }
    }

    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoQuorum { .. }
            | Self::TooManyLearners
            | Self::NotInSync
            | Self::Unhealthy { .. } => true,
            Self::Client { .. } | Self::PeerUrlExists | Self::NotFound { .. } | Self::Refused { .. } => false,
        }
    }
}
