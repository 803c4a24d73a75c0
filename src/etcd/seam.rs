//! The seam to an etcd cluster.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::EtcdError;

/// A member of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its id; etcd's tools show it in hex.
    pub(crate) id: u64,
    /// Its name; empty until it has started.
    pub(crate) name: String,
    /// Where its peers reach it.
    pub(crate) peer_urls: Vec<String>,
    /// Where clients reach it; empty until it has started.
    pub(crate) client_urls: Vec<String>,
    /// It does not vote yet.
    pub(crate) is_learner: bool,
}

impl Member {
    /// Whether it has ever started.
    pub(crate) fn has_started(&self) -> bool {
        !self.name.is_empty()
    }

    /// How messages call it: its name, or its peer address before it has one.
    pub(crate) fn display_name(&self) -> String {
        let name = if self.name.is_empty() { self.peer_urls.join(",") } else { self.name.clone() };
        format!("{name} (id {:x})", self.id)
    }
}

/// How a member says it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Its id.
    pub(crate) id: u64,
    /// The cluster's id.
    pub(crate) cluster_id: u64,
    /// etcd's version.
    pub(crate) version: String,
    /// Size of its database, in bytes.
    pub(crate) db_size: u64,
    /// How much of it holds data; the rest is free until it is defragmented.
    pub(crate) db_size_in_use: u64,
    /// The leader's id; 0 while there is none.
    pub(crate) leader: u64,
    /// Index of the last raft entry it has.
    pub(crate) raft_index: u64,
    /// Index of the last raft entry it has applied.
    pub(crate) raft_applied_index: u64,
    /// What it complains of.
    pub(crate) errors: Vec<String>,
    /// It does not vote yet.
    pub(crate) is_learner: bool,
}

/// An alarm that a member has raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// The member's id.
    pub(crate) member: u64,
    /// What it is about.
    pub(crate) kind: AlarmKind,
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlarmKind {
    /// Its database has reached the quota: nothing is written any more.
    NoSpace,
    /// Its data differ from the other members'.
    Corrupt,
    /// One that this program does not know.
    Other(i32),
}

impl AlarmKind {
    /// etcd's number.
    pub(super) fn number(self) -> i32 {
        match self {
            Self::NoSpace => 1,
            Self::Corrupt => 2,
            Self::Other(number) => number,
        }
    }
}

impl From<i32> for AlarmKind {
    fn from(number: i32) -> Self {
        match number {
            1 => Self::NoSpace,
            2 => Self::Corrupt,
            number => Self::Other(number),
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSpace => f.write_str("NOSPACE"),
            Self::Corrupt => f.write_str("CORRUPT"),
            Self::Other(number) => write!(f, "alarm {number}"),
        }
    }
}

/// What a client shows etcd, and trusts; PEM.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// etcd's CA.
    pub(crate) ca: Vec<u8>,
    /// The client's certificate.
    pub(crate) certificate: Vec<u8>,
    /// Its key, a secret.
    pub(crate) key: Zeroizing<Vec<u8>>,
}

impl Credentials {
    /// Those of kubeadm's client for health checks, whose files `read` reads by their names in the certificates' folder.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn of_health_checks<E>(read: impl Fn(&str) -> Result<Vec<u8>, E>) -> Result<Self, E> {
        Ok(Self {
            ca: read("etcd/ca.crt")?,
            certificate: read("etcd/healthcheck-client.crt")?,
            key: Zeroizing::new(read("etcd/healthcheck-client.key")?),
        })
    }
}

/// An etcd cluster. What a member refuses is an error at once; repeating is the caller's.
pub(crate) trait Etcd {
    /// All members, as a majority agrees on them.
    ///
    /// # Errors
    /// When no member answers, or there is no quorum.
    fn members(&mut self) -> Result<Vec<Member>, EtcdError>;

    /// Adds a learner that its peers reach at `peer_url`; gives it and all members.
    ///
    /// # Errors
    /// When the cluster refuses.
    fn add_learner(&mut self, peer_url: &str) -> Result<(Member, Vec<Member>), EtcdError>;

    /// Gives a learner its vote.
    ///
    /// # Errors
    /// When the cluster refuses: the learner has not caught up.
    fn promote(&mut self, id: u64) -> Result<(), EtcdError>;

    /// Removes a member.
    ///
    /// # Errors
    /// When the cluster refuses.
    fn remove(&mut self, id: u64) -> Result<(), EtcdError>;

    /// How the member at a client URL says it stands.
    ///
    /// # Errors
    /// When it does not answer.
    fn status(&mut self, client_url: &str) -> Result<Status, EtcdError>;

    /// Whether the member at a client URL answers its clients within `limit`.
    fn serves(&mut self, client_url: &str, limit: Duration) -> bool;

    /// How the members at these client URLs say they stand, in this order; asked at the same time.
    fn statuses(&mut self, client_urls: &[String]) -> Vec<Result<Status, EtcdError>> {
        client_urls.iter().map(|url| self.status(url)).collect()
    }

    /// The members as one that answers knows them: also without a quorum, and maybe out of date.
    ///
    /// # Errors
    /// When no member answers.
    fn known_members(&mut self) -> Result<Vec<Member>, EtcdError>;

    /// Has a majority agree on the value of a key, which proves that the cluster serves.
    ///
    /// # Errors
    /// When no member answers, or there is no quorum.
    fn check_quorum(&mut self) -> Result<(), EtcdError>;

    /// The alarms of all members.
    ///
    /// # Errors
    /// When no member answers.
    fn alarms(&mut self) -> Result<Vec<Alarm>, EtcdError>;

    /// Ends an alarm.
    ///
    /// # Errors
    /// When the cluster refuses.
    fn disarm(&mut self, alarm: Alarm) -> Result<(), EtcdError>;

    /// Frees what the database of the member at a client URL no longer uses; it does not answer meanwhile.
    ///
    /// # Errors
    /// When it can't.
    fn defragment(&mut self, client_url: &str) -> Result<(), EtcdError>;

    /// Streams the database of the member at a client URL, and its SHA-256 behind it, to `sink`; it ends when `sink`
    /// gives false.
    ///
    /// # Errors
    /// When the member can't be reached, or the stream breaks off.
    fn snapshot(&mut self, client_url: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), EtcdError>;
}
