//! Members that come and go.

use std::fs;
use std::time::Duration;

use super::lab::{Lab, Node, wait};
use crate::etcd::health::{ClusterHealth, Unsafe};
use crate::etcd::members::{JoinError, Joined};
use crate::etcd::{Etcd, EtcdError, Plan, initial_cluster, join, promote, remove};

const LIMIT: Duration = Duration::from_secs(30);

fn plan(node: &Node, replace: bool) -> Plan<'_> {
    let has_data = node.data.join("member").exists();
    Plan { name: &node.name, peer_url: &node.peer_url, has_data, replace, limit: LIMIT }
}

/// What `join` does: add, start, promote.
fn grow(lab: &Lab, through: &Node, node: &Node, replace: bool) -> Joined {
    let mut etcd = lab.client(&[through]);
    let joined = join(&mut etcd, &plan(node, replace), &mut |_| {}).unwrap();
    lab.start(node, &initial_cluster(&joined.members, &node.name, &node.peer_url), "existing", &[]);
    if let Err(error) = promote(&mut etcd, joined.member.id, LIMIT, &mut || false) {
        panic!("{error}\n{}", node.log());
    }
    joined
}

fn voting(etcd: &mut dyn Etcd) -> Vec<String> {
    let members = etcd.members().unwrap();
    let mut names: Vec<String> = members.into_iter().filter(|m| !m.is_learner).map(|m| m.name).collect();
    names.sort();
    names
}

#[test]
fn two_that_join_at_once_both_become_voting_members_and_a_lost_one_is_replaced() {
    let Some(lab) = Lab::new() else { return };
    let first = lab.cluster(&["n1"], &[]).remove(0);
    let (second, third) = (lab.node("n2"), lab.node("n3"));
    std::thread::scope(|scope| {
        scope.spawn(|| grow(&lab, &first, &second, false));
        scope.spawn(|| grow(&lab, &first, &third, false));
    });
    let mut etcd = lab.client(&[&third, &first]);
    assert_eq!(voting(&mut etcd), ["n1", "n2", "n3"]);

    // A second run changes nothing.
    let again = join(&mut etcd, &plan(&second, false), &mut |_| {}).unwrap();
    assert!(!again.added && !again.member.is_learner);
    promote(&mut etcd, again.member.id, LIMIT, &mut || false).unwrap();

    // The machine is lost; another one comes under its name, at another address.
    third.kill();
    let fresh = lab.node("n3");
    let mut etcd = lab.client(&[&third, &first]);
    let stale = join(&mut etcd, &plan(&fresh, false), &mut |_| {}).unwrap_err();
    assert!(matches!(stale, JoinError::Stale { what: "name", .. }), "{stale}");
    grow(&lab, &first, &fresh, true);
    let members = etcd.members().unwrap();
    assert_eq!(members.len(), 3);
    assert!(members.iter().any(|m| m.peer_urls == [fresh.peer_url.clone()] && m.name == "n3"));
    assert_eq!(voting(&mut etcd), ["n1", "n2", "n3"]);

    assert!(remove(&mut etcd, &fresh.peer_url).unwrap());
    assert!(!remove(&mut etcd, &fresh.peer_url).unwrap());
    assert_eq!(voting(&mut etcd), ["n1", "n2"]);
}

#[test]
fn member_that_was_added_and_never_started_is_taken_up_or_stands_in_the_way_by_name() {
    let Some(lab) = Lab::new() else { return };
    let first = lab.cluster(&["n1"], &[]).remove(0);
    let (second, third) = (lab.node("n2"), lab.node("n3"));
    let mut etcd = lab.client(&[&first]);
    // The first run dies here.
    let (added, _) = wait(LIMIT, || etcd.add_learner(&second.peer_url));
    // Another node is told who it waits for.
    let in_vain = Plan { limit: Duration::from_secs(1), ..plan(&third, false) };
    let error = join(&mut etcd, &in_vain, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains(&format!("etcdctl member remove {:x}", added.id)), "{error}");
    let error = promote(&mut etcd, added.id, Duration::from_secs(1), &mut || false).unwrap_err().to_string();
    assert!(error.contains("has not started"), "{error}");
    let joined = grow(&lab, &first, &second, false);
    assert!(!joined.added && joined.member.id == added.id);
    assert_eq!(voting(&mut etcd), ["n1", "n2"]);
    assert_eq!(etcd.promote(added.id), Err(EtcdError::NotLearner { id: added.id }));
    assert!(matches!(etcd.remove(7), Err(EtcdError::NotFound { id: 7 })));

    // Its data is gone while the member of this address is still listed.
    second.kill();
    fs::remove_dir_all(&second.data).unwrap();
    let error = join(&mut etcd, &Plan { limit: Duration::ZERO, ..plan(&second, false) }, &mut |_| {});
    let error = error.unwrap_err().to_string();
    // With one of two members gone there is no quorum to say so any more.
    assert!(error.contains("address already") || error.contains("n2 (id"), "{error}");
}

#[test]
fn lost_quorum_is_named_with_the_members_that_are_down() {
    let Some(lab) = Lab::new() else { return };
    let nodes = lab.cluster(&["n1", "n2", "n3"], &[]);
    let mut etcd = lab.client(&[&nodes[2], &nodes[1], &nodes[0]]);
    let health = ClusterHealth::look(&mut etcd).unwrap();
    assert_eq!((health.check_quorum(), health.may_fail()), (Ok(()), 1));
    health.check_add().unwrap();
    let id = |name: &str| health.members.iter().find(|m| m.member.name == name).unwrap().member.id;
    assert!(health.leader().is_some());

    nodes[2].kill();
    let health = ClusterHealth::look(&mut etcd).unwrap();
    assert_eq!(health.may_fail(), 0);
    health.check_remove(id("n3")).unwrap();
    assert!(matches!(health.check_remove(id("n1")), Err(Unsafe::WouldLoseQuorum { .. })));
    let error = health.check_add().unwrap_err().to_string();
    assert!(error.contains("n3") && error.contains("connection refused"), "{error}");

    nodes[1].kill();
    // The one that is left takes a moment to notice.
    wait(Duration::from_secs(10), || match etcd.check_quorum() {
        Err(EtcdError::NoQuorum { .. }) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let health = ClusterHealth::look(&mut etcd).unwrap();
    assert_eq!(health.check_quorum(), Err(Unsafe::QuorumLost { healthy: 0, voting: 3, needed: 2 }));
    let fresh = lab.node("n4");
    let error = join(&mut etcd, &Plan { limit: Duration::ZERO, ..plan(&fresh, false) }, &mut |_| {});
    let error = error.unwrap_err().to_string();
    for part in ["no leader", "n2", "n3", "connection refused"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
