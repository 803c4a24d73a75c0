//! The seam to an etcd cluster.

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
    /// etcd's version.
    pub(crate) version: String,
    /// Size of its database, in bytes.
    pub(crate) db_size: u64,
    /// The leader's id; 0 while there is none.
    pub(crate) leader: u64,
    /// Index of the last raft entry it has.
    pub(crate) raft_index: u64,
    /// What it complains of.
    pub(crate) errors: Vec<String>,
    /// It does not vote yet.
    pub(crate) is_learner: bool,
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
}
