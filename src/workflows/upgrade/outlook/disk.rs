//! Space for the copy of etcd's data.

use super::Evidence;
use crate::finding::Finding;

/// What the manifests, certificates and configurations of a backup take at most.
const FILES: u64 = 8 << 20;

pub(super) fn space(e: &Evidence) -> Vec<Finding> {
    let Some(free) = e.free_bytes.filter(|_| e.control_plane) else { return vec![] };
    let needed = FILES + if e.etcd_upgrade { e.etcd_bytes } else { 0 };
    if free >= needed {
        return vec![];
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let tmp = e.before.node.paths.kubeconfig("tmp");
    vec![
        Finding::error(format!("{} MiB are free for backups, {} MiB are needed", mib(free), mib(needed)))
            .evidence(format!("etcd's data take {} MiB; they are copied to {}", mib(e.etcd_bytes), tmp.display()))
            .fix(format!("free some space: backups of earlier upgrades in {} can go if the cluster is healthy; or defragment etcd", tmp.display())),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn etcd_s_data_must_fit_beside_what_is_there() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        (e.etcd_bytes, e.free_bytes) = (100 << 20, Some(50 << 20));
        assert!(space(&e)[0].what.starts_with("50 MiB are free"), "{:?}", space(&e));
        e.etcd_upgrade = false;
        assert_eq!(space(&e), []);
    }
}
