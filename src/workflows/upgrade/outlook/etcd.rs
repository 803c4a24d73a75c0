//! etcd's own rules for its next minor.

use super::Evidence;
use super::evidence::Quorum;
use crate::config::etcd_version;
use crate::finding::Finding;
use crate::manifest::Component;

/// Major, minor and patch.
type Version = (u64, u64, u64);

/// The oldest 3.6 whose members can be replaced by 3.7 one after the other.
const BEFORE_3_7: Version = (3, 6, 11);

/// The version of an image tag, if it is a whole one.
fn version(tag: &str) -> Option<Version> {
    let (major, minor, patch) = etcd_version(tag)?;
    Some((major, minor, patch?))
}

/// The members' versions, and that of the target; none where etcd is external or stays.
fn step(e: &Evidence) -> Option<(Vec<(String, Version)>, Version)> {
    if !e.etcd_upgrade || e.after.cluster.config.etcd.local.is_none() {
        return None;
    }
    let members = e.survey.of(Component::Etcd);
    let members = members.filter_map(|(node, tag)| Some((node.to_owned(), version(tag)?))).collect();
    Some((members, version(&e.after.etcd_tag())?))
}

/// A member is stopped while it is replaced.
pub(super) fn quorum(e: &Evidence) -> Vec<Finding> {
    let finding = match &e.quorum {
        None => return vec![],
        Some(Quorum::Down(members)) => Finding::error(
            "etcd loses its quorum when this node's member is stopped: others are down already",
        )
        .evidences(members.iter().cloned())
        .cause("while this node's member is replaced the whole cluster's API would not answer")
        .fix("start those members again, or remove them with `etcdctl member remove ID`; then upgrade"),
        Some(Quorum::Few(count)) => Finding::warning(format!(
            "etcd has {count} members, and needs all of them"
        ))
        .cause(
            "while this node's member is replaced, for some seconds, the whole cluster's API does not answer",
        )
        .fix("nothing, if that is acceptable; three members survive the loss of one"),
    };
    vec![finding]
}

pub(super) fn rolling_step(e: &Evidence) -> Vec<Finding> {
    let Some((members, target)) = step(e) else { return vec![] };
    let old = |v: &Version| (v.0, v.1) == (3, 6) && *v < BEFORE_3_7;
    if (target.0, target.1) != (3, 7) || members.len() < 2 {
        return vec![];
    }
    let old: Vec<String> = members
        .iter()
        .filter(|(_, v)| old(v))
        .map(|(node, v)| format!("{node} ({}.{}.{})", v.0, v.1, v.2))
        .collect();
    if old.is_empty() {
        return vec![];
    }
    vec![
        Finding::error(format!("etcd members are older than 3.6.11: {}", old.join(", ")))
            .cause("etcd's members of 3.6 must be 3.6.11 or later before they are replaced by 3.7 one after the other")
            .fix("upgrade etcd alone first: set etcd.local.imageTag to 3.6.11-0 or later in ConfigMap kubeadm-config, run `kubestrap upgrade apply` with the version that the cluster has, then `kubestrap upgrade node` on the other control planes"),
    ]
}

pub(super) fn storage_version(e: &Evidence) -> Vec<Finding> {
    let Some((members, target)) = step(e) else { return vec![] };
    let older = members.iter().filter(|(_, v)| (v.0, v.1) < (target.0, target.1));
    let older: Vec<&str> = older.map(|(node, _)| node.as_str()).collect();
    if older.is_empty() {
        return vec![];
    }
    let one = members.len() == 1;
    vec![
        Finding::warning(format!("etcd is upgraded to {}.{}, and its data with it: an older etcd can't read them then", target.0, target.1))
            .evidence(format!("members of an older minor: {}", older.join(", ")))
            .cause(if one {
                "a copy of the data is made while etcd is stopped; if the upgrade fails, the node goes back to it, and loses what was written since"
            } else {
                "once the last member is replaced the cluster can't go back; before that each member can"
            })
            .fix("keep a snapshot of your own elsewhere: `kubestrap etcd snapshot save`"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;
    use crate::finding::Severity;

    fn with_members(current: &str, target: &str, tags: &[&str]) -> Evidence {
        let mut e = evidence(current, target, "");
        for (i, tag) in tags.iter().enumerate() {
            e.survey.instances.insert((Component::Etcd, format!("n{i}")), (*tag).into());
        }
        e
    }

    #[test]
    fn members_before_3_6_11_can_not_be_rolled_to_3_7() {
        let found = |tags: &[&str]| rolling_step(&with_members("v1.36.2", "v1.37.0", tags));
        assert_eq!(found(&["3.6.8-0"]), [], "one member is replaced as a whole");
        assert_eq!(found(&["3.6.11-0", "3.6.12-0"]), []);
        let found = found(&["3.6.11-0", "3.6.8-0"]);
        assert!(found[0].what.contains("n1 (3.6.8)") && !found[0].what.contains("n0"), "{found:?}");
    }

    #[test]
    fn member_that_is_down_refuses_the_upgrade_and_two_members_do_not() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!(quorum(&e), []);
        e.quorum = Some(Quorum::Down(vec!["cp-2 does not answer".into()]));
        let found = quorum(&e);
        assert_eq!((found[0].severity, found[0].evidence.len()), (Severity::Error, 1));
        e.quorum = Some(Quorum::Few(2));
        assert_eq!(quorum(&e)[0].severity, Severity::Warning);
    }

    #[test]
    fn next_minor_of_etcd_is_told_beforehand() {
        assert_eq!(storage_version(&with_members("v1.35.6", "v1.36.2", &["3.6.6-0"])), []);
        let found = storage_version(&with_members("v1.33.9", "v1.34.9", &["3.5.24-0"]));
        assert!(found[0].what.contains("3.6"), "{found:?}");
    }
}
