//! The rules for a cluster that grows and shrinks.
//!
//! A new member joins as a learner, which does not count for the quorum until it has caught up (etcd's design since
//! 3.4). etcd takes one learner at a time: who comes second waits. A member that was added and never started is taken
//! up by the next run, never added twice.

use std::time::{Duration, Instant};

use super::{Etcd, EtcdError, Member};

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(200);

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

/// A member that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stale {
    /// etcd does not do it.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// An earlier machine of this name or address is a member still.
    #[error(
        "etcd has a member of this node's {what} already: {} at {}. It is what an earlier machine left, since this machine has no data of it\n  fix: run the same command with `--replace-etcd-member`, which removes it first (`etcdctl member remove {:x}` does the same)",
        member.display_name(), member.peer_urls.join(","), member.id
    )]
    Member {
        /// `name` or `address`.
        what: &'static str,
        /// The member.
        member: Member,
    },
}

/// Makes this node a member: adds it as a learner, or takes up one that an earlier run added.
///
/// # Errors
/// When a stale member is in the way, or the cluster refuses until the time is up.
pub(crate) fn join(
    etcd: &mut dyn Etcd,
    plan: &Plan<'_>,
    told: &mut dyn FnMut(String),
) -> Result<Joined, Stale> {
    let start = Instant::now();
    let mut waiting = false;
    loop {
        match try_join(etcd, plan, told) {
            Err(Stale::Etcd(error)) if error.is_passing() && start.elapsed() < plan.limit => {
                if !std::mem::replace(&mut waiting, true) {
                    told(format!("Waiting: {error}"));
                }
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn try_join(etcd: &mut dyn Etcd, plan: &Plan<'_>, told: &mut dyn FnMut(String)) -> Result<Joined, Stale> {
    let members = etcd.members()?;
    let has_url = |m: &Member| m.peer_urls.iter().any(|url| url == plan.peer_url);
    if let Some(own) = members.iter().find(|m| has_url(m)) {
        // One that never started has no data anywhere; one that did has them here.
        if !own.has_started() || plan.has_data {
            return Ok(Joined { member: own.clone(), members: members.clone(), added: false });
        }
        return stale(etcd, plan, own.clone(), "address", told);
    }
    if let Some(other) = members.iter().find(|m| m.name == plan.name) {
        return stale(etcd, plan, other.clone(), "name", told);
    }
    match etcd.add_learner(plan.peer_url) {
        Ok((member, members)) => Ok(Joined { member, members, added: true }),
        // Another run of this node was faster.
        Err(EtcdError::PeerUrlExists) => try_join(etcd, plan, told),
        Err(error) => Err(error.into()),
    }
}

/// Removes a stale member, where that was asked for, and goes on.
fn stale(
    etcd: &mut dyn Etcd,
    plan: &Plan<'_>,
    member: Member,
    what: &'static str,
    told: &mut dyn FnMut(String),
) -> Result<Joined, Stale> {
    if !plan.replace {
        return Err(Stale::Member { what, member });
    }
    told(format!("Removing stale etcd member {}", member.display_name()));
    etcd.remove(member.id)?;
    try_join(etcd, plan, told)
}

/// Gives a learner its vote as soon as it has caught up; a member that votes already stays as it is.
///
/// # Errors
/// When it has not caught up until the time is up, or was removed.
pub(crate) fn promote(etcd: &mut dyn Etcd, id: u64, limit: Duration) -> Result<(), EtcdError> {
    let start = Instant::now();
    loop {
        let result = match etcd.promote(id) {
            // Promoted by an earlier run.
            Err(EtcdError::Refused { what, .. }) if what.contains("not a learner") => return Ok(()),
            result => result,
        };
        match result {
            Err(error) if error.is_passing() && start.elapsed() < limit => std::thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// Removes this node's member from the cluster, unless it is the last one; true if there was one.
///
/// # Errors
/// When the cluster refuses.
pub(crate) fn remove(etcd: &mut dyn Etcd, peer_url: &str) -> Result<bool, EtcdError> {
    let members = etcd.members()?;
    let own = members.iter().find(|m| m.peer_urls.iter().any(|url| url == peer_url));
    match own {
        Some(own) if members.iter().filter(|m| !m.is_learner).count() > 1 || own.is_learner => {
            etcd.remove(own.id)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The value of `--initial-cluster` for a member of this name and address among `members`.
pub(crate) fn initial_cluster(members: &[Member], name: &str, peer_url: &str) -> String {
    let of = |member: &Member| {
        let own = member.peer_urls.iter().any(|url| url == peer_url);
        let name = if own { name } else { member.name.as_str() };
        member.peer_urls.iter().map(|url| format!("{name}={url}")).collect::<Vec<_>>()
    };
    members.iter().flat_map(of).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::Status;

    /// A cluster in memory, which refuses what etcd refuses.
    #[derive(Default)]
    struct Fake {
        members: Vec<Member>,
        /// Errors to give first, the last first.
        errors: Vec<EtcdError>,
        removed: Vec<u64>,
    }

    impl Etcd for Fake {
        fn members(&mut self) -> Result<Vec<Member>, EtcdError> {
            Ok(self.members.clone())
        }
        fn add_learner(&mut self, peer_url: &str) -> Result<(Member, Vec<Member>), EtcdError> {
            if let Some(error) = self.errors.pop() {
                return Err(error);
            }
            let member =
                Member { id: 9, peer_urls: vec![peer_url.into()], is_learner: true, ..Member::default() };
            self.members.push(member.clone());
            Ok((member, self.members.clone()))
        }
        fn promote(&mut self, _: u64) -> Result<(), EtcdError> {
            self.errors.pop().map_or(Ok(()), Err)
        }
        fn remove(&mut self, id: u64) -> Result<(), EtcdError> {
            self.removed.push(id);
            self.members.retain(|m| m.id != id);
            Ok(())
        }
        fn status(&mut self, _: &str) -> Result<Status, EtcdError> {
            Ok(Status::default())
        }
    }

    fn member(id: u64, name: &str, address: &str) -> Member {
        Member {
            id,
            name: name.into(),
            peer_urls: vec![format!("https://{address}:2380")],
            ..Member::default()
        }
    }

    fn plan(replace: bool, has_data: bool) -> Plan<'static> {
        let limit = Duration::from_secs(5);
        Plan { name: "n2", peer_url: "https://192.0.2.3:2380", has_data, replace, limit }
    }

    fn joined(fake: &mut Fake, plan: &Plan<'_>) -> Result<Joined, Stale> {
        join(fake, plan, &mut |_| {})
    }

    #[test]
    fn second_learner_waits_for_the_first() {
        let mut fake = Fake { members: vec![member(1, "n1", "192.0.2.2")], ..Fake::default() };
        fake.errors = vec![EtcdError::TooManyLearners, EtcdError::TooManyLearners];
        let joined = joined(&mut fake, &plan(false, false)).unwrap();
        assert!(joined.added && joined.members.len() == 2);
    }

    #[test]
    fn member_that_never_started_is_taken_up_and_not_added_twice() {
        let mut fake = Fake {
            members: vec![member(1, "n1", "192.0.2.2"), member(2, "", "192.0.2.3")],
            ..Fake::default()
        };
        let joined = joined(&mut fake, &plan(false, false)).unwrap();
        assert!(!joined.added && joined.member.id == 2 && fake.members.len() == 2);
    }

    #[test]
    fn started_member_is_taken_up_only_by_the_machine_with_its_data() {
        let fake = || Fake {
            members: vec![member(1, "n1", "192.0.2.2"), member(2, "n2", "192.0.2.3")],
            ..Fake::default()
        };
        assert_eq!(joined(&mut fake(), &plan(false, true)).unwrap().member.id, 2);
        let error = joined(&mut fake(), &plan(false, false)).unwrap_err().to_string();
        assert!(error.contains("this node's address") && error.contains("--replace-etcd-member"), "{error}");
    }

    #[test]
    fn stale_member_of_the_same_name_is_removed_only_when_asked() {
        let fake = || Fake {
            members: vec![member(1, "n1", "192.0.2.2"), member(2, "n2", "192.0.2.9")],
            ..Fake::default()
        };
        assert!(matches!(joined(&mut fake(), &plan(false, false)), Err(Stale::Member { what: "name", .. })));
        let mut replaced = fake();
        assert!(joined(&mut replaced, &plan(true, false)).unwrap().added);
        assert_eq!(replaced.removed, [2]);
    }

    #[test]
    fn promotion_is_repeated_until_the_learner_is_in_sync_and_final_errors_end_it() {
        let mut fake = Fake { errors: vec![EtcdError::NotInSync, EtcdError::NotInSync], ..Fake::default() };
        promote(&mut fake, 9, Duration::from_secs(5)).unwrap();
        fake.errors = vec![EtcdError::NotFound { id: 9 }];
        assert_eq!(promote(&mut fake, 9, Duration::from_secs(5)), Err(EtcdError::NotFound { id: 9 }));
    }

    #[test]
    fn last_voting_member_is_not_removed() {
        let mut fake = Fake { members: vec![member(2, "n2", "192.0.2.3")], ..Fake::default() };
        assert!(!remove(&mut fake, "https://192.0.2.3:2380").unwrap() && fake.removed.is_empty());
        fake.members.push(member(1, "n1", "192.0.2.2"));
        assert!(remove(&mut fake, "https://192.0.2.3:2380").unwrap() && fake.removed == [2]);
    }

    #[test]
    fn initial_cluster_names_every_member_and_this_one_by_its_new_name() {
        let members = [member(1, "n1", "192.0.2.2"), member(2, "", "192.0.2.3")];
        assert_eq!(
            initial_cluster(&members, "n2", "https://192.0.2.3:2380"),
            "n1=https://192.0.2.2:2380,n2=https://192.0.2.3:2380"
        );
    }
}
