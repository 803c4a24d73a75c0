//! A cluster in memory for tests, which refuses what etcd refuses.

use std::time::Duration;

use super::{Alarm, Etcd, EtcdError, Member, Status};

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) members: Vec<Member>,
    /// Errors to give to additions and promotions first, the last first.
    pub(crate) errors: Vec<EtcdError>,
    /// The ids of the members that were removed.
    pub(crate) removed: Vec<u64>,
    /// Carry out a removal and answer that it timed out.
    pub(crate) removal_answer_lost: bool,
    /// How often the new member does not answer its clients, until it does.
    pub(crate) deaf_for: usize,
    /// How large the members' databases are, in bytes.
    pub(crate) db_size: u64,
    /// What a snapshot streams.
    pub(crate) database: Vec<u8>,
}

impl Fake {
    fn next_error(&mut self) -> Result<(), EtcdError> {
        self.errors.pop().map_or(Ok(()), Err)
    }
}

impl Etcd for Fake {
    fn members(&mut self) -> Result<Vec<Member>, EtcdError> {
        Ok(self.members.clone())
    }

    fn add_learner(&mut self, peer_url: &str) -> Result<(Member, Vec<Member>), EtcdError> {
        self.next_error()?;
        let peer_urls = vec![peer_url.to_owned()];
        let member = Member { id: 9, peer_urls, is_learner: true, ..Member::default() };
        self.members.push(member.clone());
        Ok((member, self.members.clone()))
    }

    fn promote(&mut self, _: u64) -> Result<(), EtcdError> {
        self.next_error()
    }

    fn remove(&mut self, id: u64) -> Result<(), EtcdError> {
        self.removed.push(id);
        self.members.retain(|m| m.id != id);
        if self.removal_answer_lost {
            let endpoint = "https://192.0.2.2:2379".to_owned();
            return Err(EtcdError::Timeout { endpoint, method: "MemberRemove", after: Duration::ZERO });
        }
        Ok(())
    }

    fn status(&mut self, _: &str) -> Result<Status, EtcdError> {
        Ok(Status { leader: 1, version: "3.6.8".into(), db_size: self.db_size, ..Status::default() })
    }

    fn serves(&mut self, _: &str, _: Duration) -> bool {
        match self.deaf_for.checked_sub(1) {
            Some(left) => {
                self.deaf_for = left;
                false
            }
            None => true,
        }
    }

    fn known_members(&mut self) -> Result<Vec<Member>, EtcdError> {
        self.members()
    }

    fn check_quorum(&mut self) -> Result<(), EtcdError> {
        Ok(())
    }

    fn alarms(&mut self) -> Result<Vec<Alarm>, EtcdError> {
        Ok(vec![])
    }

    fn disarm(&mut self, _: Alarm) -> Result<(), EtcdError> {
        Ok(())
    }

    fn defragment(&mut self, _: &str) -> Result<(), EtcdError> {
        Ok(())
    }

    fn snapshot(&mut self, _: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), EtcdError> {
        for part in self.database.chunks(32 * 1024) {
            if !sink(part) {
                break;
            }
        }
        Ok(())
    }
}
