use proptest::prelude::*;
use time::Duration;

use super::*;
use crate::etcd::{ClusterHealth, EtcdError, Member, Status};
use crate::output::escape::testing::{has_forged_line, hostile};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn node(name: &str, control_plane: bool, not_ready: Option<&str>) -> NodeStatus {
    NodeStatus {
        name: name.into(),
        control_plane,
        not_ready: not_ready.map(str::to_owned),
        since: not_ready.map(|_| "1970-01-01T00:00:00Z".to_owned()).unwrap_or_default(),
        schedulable: true,
        kubelet: "v1.36.2".into(),
        addresses: vec![],
    }
}

fn member(id: u64, name: &str, state: State) -> MemberHealth {
    let status = Status { id, leader: 1, ..Status::default() };
    MemberHealth {
        member: Member { id, name: name.into(), ..Member::default() },
        state,
        status: Some(status),
    }
}

fn certificate_of(node: &str, expires: Expiry) -> Certificate {
    let server = Server { certificate: "apiserver", address: format!("{node}:6443") };
    Certificate { node: node.into(), server, expires }
}

#[test]
fn table_shows_each_node_and_what_is_wrong_below_it() {
    let down = State::Down(EtcdError::NotFound { id: 2 });
    let view = View {
        nodes: vec![
            node("cp1", true, None),
            node("cp2", true, Some("Kubelet stopped posting node status.")),
            node("w1", false, None),
        ],
        etcd: EtcdView::Known(ClusterHealth {
            members: vec![
                member(1, "cp1", State::Healthy),
                member(2, "cp2", down),
                member(3, "lost", State::NoLeader),
            ],
            alarms: vec![],
        }),
        certificates: vec![
            certificate_of("cp1", Ok(NOW + Duration::days(364))),
            certificate_of("cp2", Err("cp2:6443 can't be reached".into())),
        ],
    };
    let text = view.text(NOW);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "NAME      ROLE            VERSION   READY     ETCD              CERTIFICATES");
    assert_eq!(lines[1], "cp1       control-plane   v1.36.2   yes       healthy, leader   364d (apiserver)");
    assert_eq!(lines[2], "cp2       control-plane   v1.36.2   no        down              unknown");
    assert_eq!(lines[3], "w1        worker          v1.36.2   yes       -                 -");
    assert_eq!(
        lines[5],
        "cp2 is not ready: Kubelet stopped posting node status. (since 1970-01-01T00:00:00Z)"
    );
    assert_eq!(lines[6], "etcd has lost its quorum: 1 of 3 voting members are healthy, 2 are needed");
    assert!(text.contains("etcd member lost (id 3) belongs to no Node"), "{text}");
    assert!(text.contains("cp2: no apiserver certificate: cp2:6443 can't be reached"), "{text}");
    let data = view.data(NOW);
    assert_eq!(data["ok"], false);
    assert_eq!(data["nodes"][0]["etcd"]["leader"], true);
    assert_eq!(data["nodes"][0]["certificates"][0]["expires"], "1970-12-31T00:00:00Z");
    assert!(data["nodes"][2].get("etcd").is_none() && data["nodes"][2].get("certificates").is_none());
}

#[test]
fn healthy_cluster_has_nothing_below_its_table() {
    let mut view = View {
        nodes: vec![node("cp1", true, None)],
        etcd: EtcdView::Known(ClusterHealth {
            members: vec![member(1, "cp1", State::Healthy)],
            alarms: vec![],
        }),
        certificates: vec![certificate_of("cp1", Ok(NOW + Duration::hours(3)))],
    };
    assert!(view.is_healthy(NOW));
    assert_eq!(view.text(NOW).lines().count(), 2);
    view.certificates = vec![certificate_of("cp1", Ok(NOW - Duration::hours(3)))];
    assert!(!view.is_healthy(NOW));
    assert!(view.text(NOW).contains("apiserver certificate served at cp1:6443 expired 3h ago"));
}
proptest! {
    #[test]
    fn what_the_cluster_says_forges_no_line(text in hostile()) {
        let members = vec![member(1, &text, State::NoLeader)];
        let failed = EtcdView::Failed(text.clone());
        for etcd in [failed, EtcdView::Known(ClusterHealth { members, alarms: vec![] })] {
            let mut cp = node(&format!("cp{text}"), true, Some(&text));
            cp.kubelet.clone_from(&text);
            let view =
                View { nodes: vec![cp], etcd, certificates: vec![certificate_of("cp", Err(text.clone()))] };
            let shown = view.text(NOW);
            prop_assert!(!has_forged_line(&shown), "{shown:?}");
        }
    }
}
