//! A member on its way from learner to voter.

use std::time::{Duration, Instant};

use super::members::{PAUSE, Refused};
use super::{Etcd, EtcdError, Member, facts};

/// How long a learner may take to serve once the cluster knows its name, and the leader's snapshot has arrived. etcd
/// announces its name through the cluster, and serves when the announcement comes back to it. Where the snapshot holds
/// it already, it never comes back, and etcd repeats it after 7 s.
const ANNOUNCED: Duration = Duration::from_millis(150);
/// How fast a snapshot arrives at least, in bytes a millisecond: 64 MB/s.
const SPEED: u64 = 64 * 1024;
/// Up to which size of the database its arrival is worth guessing, in bytes.
const SMALL: u64 = 16 * 1024 * 1024;
/// How long one question about it may take.
const QUESTION: Duration = Duration::from_millis(300);

/// Waits until a learner serves its clients: before, it is of no use with a vote. `restart` ends its process, which is
/// started again, where etcd waits for nothing. Gives up without an error when the time is up or `hopeless` says so:
/// why the member can't be promoted, [`promote`] finds out.
///
/// # Errors
/// When the cluster does not tell its members.
pub(crate) fn await_service(
    etcd: &mut dyn Etcd,
    id: u64,
    limit: Duration,
    restart: &mut dyn FnMut(),
    hopeless: &mut dyn FnMut() -> bool,
) -> Result<(), EtcdError> {
    let start = Instant::now();
    let mut announced = None;
    let mut restarted = false;
    while start.elapsed() < limit && !hopeless() {
        let members = match etcd.members() {
            Err(error) if !error.is_passing() => return Err(error),
            members => members.unwrap_or_default(),
        };
        if let Some(url) = members.iter().find(|m| m.id == id).and_then(|m| m.client_urls.first()) {
            if etcd.serves(url, QUESTION) {
                return Ok(());
            }
            let elapsed = announced.get_or_insert_with(Instant::now).elapsed();
            if !restarted && database(etcd, &members).is_some_and(|size| is_late(elapsed, size)) {
                restarted = true;
                restart();
            }
        }
        std::thread::sleep(PAUSE / 4);
    }
    Ok(())
}

/// The size of the database that the leader sends, in bytes, as far as the members that vote tell.
fn database(etcd: &mut dyn Etcd, members: &[Member]) -> Option<u64> {
    let voters = members.iter().filter(|m| !m.is_learner).filter_map(|m| m.client_urls.first().cloned());
    etcd.statuses(&voters.collect::<Vec<_>>()).into_iter().flatten().map(|status| status.db_size).max()
}

/// Whether a learner should serve, this long after the cluster knew its name.
fn is_late(elapsed: Duration, database: u64) -> bool {
    database <= SMALL && elapsed > ANNOUNCED + Duration::from_millis(database / SPEED)
}

/// Gives a learner its vote as soon as it has caught up; a member that votes already stays as it is. `hopeless` is asked
/// now and then whether it never will.
///
/// # Errors
/// When it has not caught up until the time is up, never will, or was removed.
pub(crate) fn promote(
    etcd: &mut dyn Etcd,
    id: u64,
    limit: Duration,
    hopeless: &mut dyn FnMut() -> bool,
) -> Result<(), Refused> {
    let start = Instant::now();
    loop {
        match etcd.promote(id) {
            // By an earlier run, or by a request whose answer got lost.
            Ok(()) | Err(EtcdError::NotLearner { .. }) => return Ok(()),
            Err(error) if error.is_passing() && start.elapsed() < limit && !hopeless() => {
                std::thread::sleep(PAUSE);
            }
            Err(error) => {
                let facts = match error {
                    EtcdError::NotInSync => facts::of_learner(etcd, id),
                    _ => facts::of_refusal(etcd, &error),
                };
                return Err(Refused { error, facts });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::fake::Fake;

    fn announced() -> Vec<Member> {
        let member = |id, name: &str, is_learner| {
            let client_urls = vec![format!("https://{name}:2379")];
            Member { id, name: name.into(), client_urls, is_learner, ..Member::default() }
        };
        vec![member(1, "n1", false), member(9, "n2", true)]
    }

    /// How often the member is restarted until it serves.
    fn restarts(mut fake: Fake, limit: Duration) -> usize {
        let mut restarts = 0;
        await_service(&mut fake, 9, limit, &mut || restarts += 1, &mut || false).unwrap();
        restarts
    }

    #[test]
    fn learner_that_serves_soon_is_not_restarted() {
        assert_eq!(restarts(Fake { members: announced(), ..Fake::default() }, PAUSE), 0);
        assert_eq!(restarts(Fake { members: announced(), deaf_for: 2, ..Fake::default() }, 5 * PAUSE), 0);
    }

    #[test]
    fn learner_that_was_announced_and_does_not_serve_is_restarted_once() {
        let deaf = |db_size| Fake { members: announced(), deaf_for: 1000, db_size, ..Fake::default() };
        let limit = ANNOUNCED + Duration::from_millis(SMALL / SPEED) + 3 * PAUSE;
        assert_eq!(restarts(deaf(SMALL), limit), 1);
        assert_eq!(restarts(deaf(SMALL + 1), limit), 0, "a large snapshot may be on its way");
        let unknown = Fake { members: vec![Member { id: 9, ..Member::default() }], ..Fake::default() };
        assert_eq!(restarts(unknown, limit), 0, "it has not started");
    }

    #[test]
    fn learner_has_longer_where_more_must_be_sent_to_it() {
        let after = |milliseconds, database| is_late(Duration::from_millis(milliseconds), database);
        assert!(!after(150, 0) && after(151, 0));
        assert!(!after(400, SMALL) && after(407, SMALL));
        assert!(!after(60_000, SMALL + 1));
    }

    #[test]
    fn promotion_is_repeated_until_the_learner_is_in_sync_and_final_errors_end_it() {
        let mut fake = Fake { errors: vec![EtcdError::NotInSync, EtcdError::NotInSync], ..Fake::default() };
        promote(&mut fake, 9, Duration::from_secs(5), &mut || false).unwrap();
        fake.errors = vec![EtcdError::NotFound { id: 9 }];
        let refused = promote(&mut fake, 9, Duration::from_secs(5), &mut || false).unwrap_err();
        assert_eq!(refused.error, EtcdError::NotFound { id: 9 });
        fake.errors = vec![EtcdError::NotLearner { id: 9 }];
        promote(&mut fake, 9, Duration::ZERO, &mut || false).unwrap();
    }

    #[test]
    fn promotion_is_given_up_once_the_member_can_not_start() {
        let mut fake = Fake { errors: vec![EtcdError::NotInSync; 3], ..Fake::default() };
        let mut asked = 0;
        let mut hopeless = || {
            asked += 1;
            asked == 2
        };
        let refused = promote(&mut fake, 9, Duration::from_secs(60), &mut hopeless).unwrap_err();
        assert_eq!((refused.error, asked), (EtcdError::NotInSync, 2));
    }
}
