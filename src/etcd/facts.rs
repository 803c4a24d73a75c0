//! What members say about why etcd refuses something: the facts that an error message needs.

use super::health::{ClusterHealth, State};
use super::{Etcd, EtcdError};

/// About a change of the members that etcd refuses. Nothing where nothing was found out.
pub(super) fn of_refusal(etcd: &mut dyn Etcd, error: &EtcdError) -> Vec<String> {
    match error {
        EtcdError::TooManyLearners => learners(etcd),
        EtcdError::Unhealthy { .. } | EtcdError::NoQuorum { .. } | EtcdError::Timeout { .. } => down(etcd),
        _ => vec![],
    }
}

/// About a member's removal that etcd refuses.
pub(super) fn of_removal(etcd: &mut dyn Etcd, error: &EtcdError, id: Option<u64>) -> Vec<String> {
    let mut facts = of_refusal(etcd, error);
    let judged = id.map(|id| ClusterHealth::look(etcd).map(|health| health.check_remove(id)));
    if let Some(Ok(Err(reason))) = judged {
        facts.insert(0, reason.to_string());
    }
    facts
}

fn learners(etcd: &mut dyn Etcd) -> Vec<String> {
    let members = etcd.members().unwrap_or_default();
    let learners = members.iter().filter(|m| m.is_learner);
    let fact = |m: &super::Member| {
        let state = if m.has_started() { "is catching up" } else { "was added and has not started" };
        format!(
            "the learner is {}, which {state}: let its join finish, or remove it with `etcdctl member remove {:x}`",
            m.display_name(),
            m.id
        )
    };
    learners.map(fact).collect()
}

fn down(etcd: &mut dyn Etcd) -> Vec<String> {
    let Ok(health) = ClusterHealth::look(etcd) else { return vec![] };
    let down = health.members.iter().filter(|m| !m.member.is_learner && m.state != State::Healthy);
    down.map(|m| format!("{} {}", m.member.display_name(), m.state)).collect()
}

/// About a learner that does not catch up.
pub(super) fn of_learner(etcd: &mut dyn Etcd, id: u64) -> Vec<String> {
    let members = etcd.members().unwrap_or_default();
    let Some(learner) = members.iter().find(|m| m.id == id) else { return vec![] };
    let Some(url) = learner.client_urls.first() else {
        return vec![format!("{} has not started", learner.display_name())];
    };
    let own = match etcd.status(url) {
        Ok(status) => status,
        Err(error) => return vec![error.to_string()],
    };
    let others: Vec<String> =
        members.iter().filter(|m| !m.is_learner).filter_map(|m| m.client_urls.first().cloned()).collect();
    let leader = etcd.statuses(&others).into_iter().flatten().find(|s| s.id == s.leader);
    vec![match leader {
        Some(leader) => format!("its raft index is {}, the leader's {}", own.raft_index, leader.raft_index),
        None => format!("its raft index is {}", own.raft_index),
    }]
}
