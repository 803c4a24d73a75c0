//! How the members of a cluster stand, and what may be done to it without losing its quorum.

use std::fmt;

use super::{Alarm, Etcd, EtcdError, Member, Status};

/// How a cluster stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterHealth {
    /// Its members.
    pub(crate) members: Vec<MemberHealth>,
    /// The alarms that they have raised; none where they can't be asked for.
    pub(crate) alarms: Vec<Alarm>,
}

/// How a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberHealth {
    /// Who it is.
    pub(crate) member: Member,
    /// Whether it does its work.
    pub(crate) state: State,
    /// What it says of itself; none if it does not answer.
    pub(crate) status: Option<Status>,
}

/// Whether a member does its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It answers and knows a leader.
    Healthy,
    /// It was added and has never started.
    NotStarted,
    /// It answers and knows no leader.
    NoLeader,
    /// It answers, and complains.
    Failing(Vec<String>),
    /// It does not answer.
    Down(EtcdError),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("is healthy"),
            Self::NotStarted => f.write_str("was added and has not started"),
            Self::NoLeader => f.write_str("knows no leader"),
            Self::Failing(errors) => write!(f, "reports {}", errors.join(", ")),
            Self::Down(error) => write!(f, "does not answer ({error})"),
        }
    }
}

/// Why a change of the members would harm the cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsafe {
    /// There is no quorum: etcd can't change anything.
    #[error(
        "etcd has lost its quorum: {healthy} of {voting} voting members are healthy, {needed} are needed"
    )]
    QuorumLost {
        /// How many voting members are healthy.
        healthy: usize,
        /// How many there are.
        voting: usize,
        /// How many must be healthy.
        needed: usize,
    },
    /// Without this member, what is left has no quorum.
    #[error("without {member}, {healthy} of {voting} voting members are healthy, and {needed} are needed")]
    WouldLoseQuorum {
        /// The member to remove.
        member: String,
        /// How many voting members are healthy then.
        healthy: usize,
        /// How many there are then.
        voting: usize,
        /// How many must be healthy.
        needed: usize,
    },
    /// A cluster has at least one voting member.
    #[error("{member} is the last voting member")]
    Last {
        /// The member to remove.
        member: String,
    },
    /// etcd adds a member only while all that vote are healthy.
    #[error("etcd adds a member only while all voting members are healthy: {}", members.join("; "))]
    NotAllHealthy {
        /// Those that are not, and why.
        members: Vec<String>,
    },
}

impl ClusterHealth {
    /// Asks all members how they stand, at the same time.
    ///
    /// # Errors
    /// When no member tells who they are.
    pub(crate) fn look(etcd: &mut dyn Etcd) -> Result<Self, EtcdError> {
        let members = etcd.known_members()?;
        let urls: Vec<String> = members.iter().filter_map(|m| m.client_urls.first().cloned()).collect();
        let mut statuses = etcd.statuses(&urls).into_iter();
        let members = members
            .into_iter()
            .map(|member| {
                // Those that have no client URL were not asked.
                let asked = if member.client_urls.is_empty() { None } else { statuses.next() };
                let (state, status) = match asked {
                    None => (State::NotStarted, None),
                    Some(Err(error)) => (State::Down(error), None),
                    Some(Ok(status)) => (state(&status), Some(status)),
                };
                MemberHealth { member, state, status }
            })
            .collect();
        let alarms = etcd.alarms().unwrap_or_default();
        Ok(Self { members, alarms })
    }

    fn voting(&self) -> impl Iterator<Item = &MemberHealth> {
        self.members.iter().filter(|m| !m.member.is_learner)
    }

    fn healthy(&self) -> usize {
        self.voting().filter(|m| m.state == State::Healthy).count()
    }

    /// The leader's id, as those that answer know it.
    pub(crate) fn leader(&self) -> Option<u64> {
        self.members.iter().filter_map(|m| m.status.as_ref()).map(|s| s.leader).find(|id| *id != 0)
    }

    /// Whether a majority of the voting members is healthy.
    ///
    /// # Errors
    /// [`Unsafe::QuorumLost`] when it is not.
    pub(crate) fn check_quorum(&self) -> Result<(), Unsafe> {
        let (healthy, voting) = (self.healthy(), self.voting().count());
        let needed = quorum(voting);
        if healthy < needed { Err(Unsafe::QuorumLost { healthy, voting, needed }) } else { Ok(()) }
    }

    /// How many more voting members may fail before the quorum is lost.
    pub(crate) fn may_fail(&self) -> usize {
        self.healthy().saturating_sub(quorum(self.voting().count()))
    }

    /// Whether etcd takes another member now.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn check_add(&self) -> Result<(), Unsafe> {
        self.check_quorum()?;
        let down = self.voting().filter(|m| m.state != State::Healthy);
        let members: Vec<String> = down.map(|m| format!("{} {}", m.member.display_name(), m.state)).collect();
        if members.is_empty() { Ok(()) } else { Err(Unsafe::NotAllHealthy { members }) }
    }

    /// Whether this member can be removed and leave a cluster with a quorum.
    ///
    /// # Errors
    /// When it can't.
    pub(crate) fn check_remove(&self, id: u64) -> Result<(), Unsafe> {
        self.check_quorum()?;
        let Some(member) = self.voting().find(|m| m.member.id == id) else { return Ok(()) };
        let voting = self.voting().count() - 1;
        let name = member.member.display_name();
        if voting == 0 {
            return Err(Unsafe::Last { member: name });
        }
        let healthy = self.healthy() - usize::from(member.state == State::Healthy);
        let needed = quorum(voting);
        if healthy < needed {
            return Err(Unsafe::WouldLoseQuorum { member: name, healthy, voting, needed });
        }
        Ok(())
    }
}

fn state(status: &Status) -> State {
    if status.leader == 0 {
        State::NoLeader
    } else if status.errors.is_empty() {
        State::Healthy
    } else {
        State::Failing(status.errors.clone())
    }
}

/// How many of `voting` members make a majority.
fn quorum(voting: usize) -> usize {
    voting / 2 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members with the ids 1, 2, …
    fn cluster(states: &[State]) -> ClusterHealth {
        let member = |(index, state): (usize, &State)| MemberHealth {
            member: Member { id: index as u64 + 1, name: format!("n{}", index + 1), ..Member::default() },
            state: state.clone(),
            status: None,
        };
        ClusterHealth { members: states.iter().enumerate().map(member).collect(), alarms: vec![] }
    }

    use State::{Healthy, NoLeader, NotStarted};

    #[test]
    fn member_is_removed_only_if_the_rest_keeps_a_quorum() {
        assert!(matches!(cluster(&[Healthy]).check_remove(1), Err(Unsafe::Last { .. })));
        cluster(&[Healthy, Healthy]).check_remove(1).unwrap();
        let one_down = cluster(&[Healthy, Healthy, NoLeader]);
        one_down.check_remove(3).unwrap();
        let error = one_down.check_remove(1).unwrap_err().to_string();
        assert_eq!(error, "without n1 (id 1), 1 of 2 voting members are healthy, and 2 are needed");
        let lost = cluster(&[Healthy, NoLeader, NoLeader]);
        let quorum_lost = Unsafe::QuorumLost { healthy: 1, voting: 3, needed: 2 };
        assert_eq!(lost.check_remove(3), Err(quorum_lost.clone()));
        assert_eq!(lost.check_add(), Err(quorum_lost));
    }

    #[test]
    fn member_is_added_only_to_a_healthy_cluster_and_learners_do_not_count() {
        assert_eq!(cluster(&[Healthy, Healthy, Healthy]).may_fail(), 1);
        let error = cluster(&[Healthy, Healthy, NoLeader]).check_add().unwrap_err().to_string();
        assert!(error.ends_with("n3 (id 3) knows no leader"), "{error}");
        let mut learner = cluster(&[Healthy, NotStarted]);
        learner.members[1].member.is_learner = true;
        learner.check_add().unwrap();
        learner.check_remove(2).unwrap();
        assert!(matches!(learner.check_remove(1), Err(Unsafe::Last { .. })));
    }
}
