//! The rules for a cluster that grows and shrinks.
//!
//! A new member joins as a learner, which does not count for the quorum until it has caught up (etcd's design since
//! 3.4). etcd takes one learner at a time: who comes second waits. A member that was added and never started is taken
//! up by the next run, never added twice.

use std::time::{Duration, Instant};

use super::{Etcd, EtcdError, Member, facts};

/// How long between two tries.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// For how long a removal is tried that etcd refuses for the moment.
const REMOVAL: Duration = Duration::from_secs(6);

/// A member to add.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    /// Its name: the Node's.
    pub(crate) name: &'a str,
    /// Where its peers reach it.
    pub(crate) peer_url: &'a str,
    /// It has data of this cluster already: an earlier run started it.
    pub(crate) has_data: bool,
    /// Remove a stale member of its name or address.
    pub(crate) replace: bool,
    /// For how long to try.
    pub(crate) limit: Duration,
}

/// A member that is in the list of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The member.
    pub(crate) member: Member,
    /// All members, this one among them.
    pub(crate) members: Vec<Member>,
    /// It was added just now.
    pub(crate) added: bool,
}

/// Why this node did not become a member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    /// etcd does not do it.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// etcd went on refusing until the time was up.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The machine has data of a member that was removed, or of another cluster: etcd would not start on them.
    #[error(
        "this machine has data of an etcd member that is not in the cluster: the member was removed, or it is another cluster's\n  fix: run `kubestrap reset` on this machine, then the same command again"
    )]
    ForeignData,
    /// An earlier machine of this name or address is a member still.
    #[error(
        "etcd has a member of this node's {what} already: {} at {}. An earlier machine left it: this machine has no data of it\n  fix: run the same command with `--replace-etcd-member`, which removes it first (`etcdctl member remove {:x}` does the same)",
        member.display_name(), member.peer_urls.join(","), member.id
    )]
    Stale {
        /// `name` or `address`.
        what: &'static str,
        /// The member.
        member: Member,
    },
}

impl From<EtcdError> for Refused {
    fn from(error: EtcdError) -> Self {
        Self { error, facts: vec![] }
    }
}

/// What etcd went on refusing, and what its members say about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}{}", facts.iter().map(|fact| format!("; {fact}")).collect::<String>())]
pub(crate) struct Refused {
    /// What etcd said last.
    pub(crate) error: EtcdError,
    /// What was found out about it, a member each.
    pub(crate) facts: Vec<String>,
}

/// Makes this node a member: adds it as a learner, or takes up one that an earlier run added.
///
/// # Errors
/// When a stale member is in the way, or the cluster refuses until the time is up.
pub(crate) fn join(
    etcd: &mut dyn Etcd,
    plan: &Plan<'_>,
    told: &mut dyn FnMut(String),
) -> Result<Joined, JoinError> {
    let start = Instant::now();
    let mut said = vec![];
    let mut once = |line: String| {
        if !said.contains(&line) {
            said.push(line.clone());
            told(line);
        }
    };
    loop {
        match try_join(etcd, plan, &mut once) {
            Err(JoinError::Etcd(error)) if error.is_passing() => {
                if start.elapsed() >= plan.limit {
                    let facts = facts::of_refusal(etcd, &error);
                    return Err(Refused { error, facts }.into());
                }
                once(format!("Waiting: {error}"));
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn try_join(etcd: &mut dyn Etcd, plan: &Plan<'_>, told: &mut dyn FnMut(String)) -> Result<Joined, JoinError> {
    let mut members = etcd.members()?;
    let has_url = |m: &Member| m.peer_urls.iter().any(|url| url == plan.peer_url);
    if let Some(own) = members.iter().find(|m| has_url(m)) {
        // One that never started has no data anywhere; one that did has them here.
        if !own.has_started() || plan.has_data {
            return Ok(Joined { member: own.clone(), members: members.clone(), added: false });
        }
    }
    if plan.has_data {
        return Err(JoinError::ForeignData);
    }
    while let Some(at) = members.iter().position(|m| has_url(m) || m.name == plan.name) {
        let member = members.swap_remove(at);
        if !plan.replace {
            let what = if has_url(&member) { "address" } else { "name" };
            return Err(JoinError::Stale { what, member });
        }
        told(format!("Removing stale etcd member {}", member.display_name()));
        match etcd.remove(member.id) {
            Ok(()) | Err(EtcdError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match etcd.add_learner(plan.peer_url) {
        Ok((member, members)) => Ok(Joined { member, members, added: true }),
        // Another run of this node was faster, or an answer to this one got lost.
        Err(EtcdError::PeerUrlExists) => try_join(etcd, plan, told),
        Err(error) => Err(error.into()),
    }
}

/// Removes this node's member from the cluster, unless it is the last one; true if there was one.
///
/// # Errors
/// When the cluster refuses.
pub(crate) fn remove(etcd: &mut dyn Etcd, peer_url: &str) -> Result<bool, Refused> {
    let start = Instant::now();
    // Of a request that timed out nobody knows whether it was carried out: the members tell.
    let mut asked = None;
    loop {
        let removed = match removable(etcd, peer_url) {
            Ok(None) => return Ok(asked.is_some()),
            Ok(Some(id)) => {
                asked = Some(id);
                etcd.remove(id)
            }
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) | Err(EtcdError::NotFound { .. }) => return Ok(true),
            Err(error) if error.is_passing() && start.elapsed() < REMOVAL => std::thread::sleep(PAUSE),
            Err(error) => {
                let facts = facts::of_removal(etcd, &error, asked);
                return Err(Refused { error, facts });
            }
        }
    }
}

/// The id of the member at this peer URL; none if it is the last one that votes.
fn removable(etcd: &mut dyn Etcd, peer_url: &str) -> Result<Option<u64>, EtcdError> {
    let members = etcd.members()?;
    let own = members.iter().find(|m| m.peer_urls.iter().any(|url| url == peer_url));
    let others_vote = members.iter().filter(|m| !m.is_learner).count() > 1;
    Ok(own.filter(|own| own.is_learner || others_vote).map(|own| own.id))
}

/// The value of `--initial-cluster` for a member of this name and address among `members`. One that has no name yet is
/// called by its id in hex, as kubeadm does.
pub(crate) fn initial_cluster(members: &[Member], name: &str, peer_url: &str) -> String {
    let of = |member: &Member| {
        let name = match member.peer_urls.iter().any(|url| url == peer_url) {
            true => name.to_owned(),
            false if member.has_started() => member.name.clone(),
            false => format!("{:x}", member.id),
        };
        member.peer_urls.iter().map(|url| format!("{name}={url}")).collect::<Vec<_>>()
    };
    members.iter().flat_map(of).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
