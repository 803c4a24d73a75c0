use super::*;
use crate::etcd::fake::Fake;

fn member(id: u64, name: &str, address: &str) -> Member {
    let peer_urls = vec![format!("https://{address}:2380")];
    Member { id, name: name.into(), peer_urls, ..Member::default() }
}

fn plan(replace: bool, has_data: bool) -> Plan<'static> {
    let limit = Duration::from_secs(2);
    Plan { name: "n2", peer_url: "https://192.0.2.3:2380", has_data, replace, limit }
}

fn joined(fake: &mut Fake, plan: &Plan<'_>) -> Result<Joined, JoinError> {
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
fn join_that_waits_in_vain_names_the_learner_that_is_in_the_way() {
    let learner = Member { is_learner: true, ..member(7, "", "192.0.2.9") };
    let mut fake = Fake { members: vec![member(1, "n1", "192.0.2.2"), learner], ..Fake::default() };
    fake.errors = vec![EtcdError::TooManyLearners];
    let in_vain = Plan { limit: Duration::ZERO, ..plan(false, false) };
    let mut said = vec![];
    let error = join(&mut fake, &in_vain, &mut |line| said.push(line)).unwrap_err().to_string();
    assert!(error.contains("takes one at a time; the learner is https://192.0.2.9:2380 (id 7)"), "{error}");
    assert!(error.contains("has not started"), "{error}");
}

#[test]
fn member_that_never_started_is_taken_up_and_not_added_twice() {
    let mut fake =
        Fake { members: vec![member(1, "n1", "192.0.2.2"), member(2, "", "192.0.2.3")], ..Fake::default() };
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
fn data_of_a_member_that_was_removed_are_refused_before_anything_is_added() {
    let mut fake = Fake { members: vec![member(1, "n1", "192.0.2.2")], ..Fake::default() };
    assert_eq!(joined(&mut fake, &plan(true, true)), Err(JoinError::ForeignData));
    assert_eq!(fake.members.len(), 1);
}

#[test]
fn stale_member_of_the_same_name_is_removed_only_when_asked() {
    let fake = || Fake {
        members: vec![member(1, "n1", "192.0.2.2"), member(2, "n2", "192.0.2.9")],
        ..Fake::default()
    };
    assert!(matches!(joined(&mut fake(), &plan(false, false)), Err(JoinError::Stale { what: "name", .. })));
    let mut replaced = fake();
    assert!(joined(&mut replaced, &plan(true, false)).unwrap().added);
    assert_eq!(replaced.removed, [2]);
}

#[test]
fn last_voting_member_is_not_removed() {
    let mut fake = Fake { members: vec![member(2, "n2", "192.0.2.3")], ..Fake::default() };
    assert!(!remove(&mut fake, "https://192.0.2.3:2380").unwrap() && fake.removed.is_empty());
    fake.members.push(member(1, "n1", "192.0.2.2"));
    assert!(remove(&mut fake, "https://192.0.2.3:2380").unwrap() && fake.removed == [2]);
}

#[test]
fn removal_that_was_carried_out_and_not_answered_is_not_asked_for_again() {
    let mut fake = Fake {
        members: vec![member(1, "n1", "192.0.2.2"), member(2, "n2", "192.0.2.3")],
        removal_answer_lost: true,
        ..Fake::default()
    };
    assert!(remove(&mut fake, "https://192.0.2.3:2380").unwrap());
    assert_eq!(fake.removed, [2]);
}

#[test]
fn initial_cluster_names_every_member_and_this_one_by_its_new_name() {
    let members = [member(1, "n1", "192.0.2.2"), member(2, "", "192.0.2.3"), member(0xa3, "", "192.0.2.4")];
    assert_eq!(
        initial_cluster(&members, "n2", "https://192.0.2.3:2380"),
        "n1=https://192.0.2.2:2380,n2=https://192.0.2.3:2380,a3=https://192.0.2.4:2380"
    );
}
