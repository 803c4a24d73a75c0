//! What `nodes` shows: a table and what is wrong below it, or an object for machines.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::etcd::{EtcdView, node_of};
use crate::certs::{Expiry, Server, human, utc};
use crate::cluster::NodeStatus;
use crate::etcd::{MemberHealth, State};
use crate::output::escape;
use crate::output::table::columns;

/// What was found.
#[derive(Debug)]
pub(super) struct View {
    /// The Nodes, by name.
    pub(super) nodes: Vec<NodeStatus>,
    /// How etcd stands.
    pub(super) etcd: EtcdView,
    /// The certificates that the control planes' servers show.
    pub(super) certificates: Vec<Certificate>,
}

/// A certificate that a Node's server shows.
#[derive(Debug)]
pub(super) struct Certificate {
    /// The Node's name.
    pub(super) node: String,
    /// The server.
    pub(super) server: Server,
    /// Until when it lasts.
    pub(super) expires: Expiry,
}

impl View {
    /// Whether every Node is ready, etcd's members are healthy, and every certificate was seen and is valid.
    pub(super) fn is_healthy(&self, now: OffsetDateTime) -> bool {
        self.problems(now).is_empty()
    }

    /// What is wrong, a line each.
    fn problems(&self, now: OffsetDateTime) -> Vec<String> {
        let mut lines = vec![];
        for node in &self.nodes {
            if let Some(why) = &node.not_ready {
                let since =
                    if node.since.is_empty() { String::new() } else { format!(" (since {})", node.since) };
                lines.push(format!("{} is not ready: {why}{since}", node.name));
            }
        }
        match &self.etcd {
            EtcdView::NotFromHere => {}
            EtcdView::Failed(why) => lines.push(format!("etcd can't be asked: {why}")),
            EtcdView::Known(health) => {
                let nodes: Vec<&NodeStatus> = self.nodes.iter().collect();
                lines.extend(health.check_quorum().err().map(|lost| lost.to_string()));
                for member in &health.members {
                    let name = member.member.display_name();
                    if member.state != State::Healthy {
                        lines.push(format!("etcd member {name} {}", member.state));
                    }
                    if node_of(&member.member, &nodes).is_none() {
                        lines.push(format!(
                            "etcd member {name} belongs to no Node: if its machine is lost for good, remove it with `etcdctl member remove {:x}`",
                            member.member.id
                        ));
                    }
                }
                let alarm = |a: &crate::etcd::Alarm| {
                    format!("etcd member {:x} has raised the alarm {}", a.member, a.kind)
                };
                lines.extend(health.alarms.iter().map(alarm));
            }
        }
        for Certificate { node, server, expires } in &self.certificates {
            match expires {
                Err(why) => lines.push(format!("{node}: no {} certificate: {why}", server.certificate)),
                Ok(end) if *end < now => lines.push(format!(
                    "{node}: the {} certificate served at {} expired {} ago: renew it there with `kubestrap certs renew {}`",
                    server.certificate,
                    server.address,
                    human(now - *end),
                    server.certificate
                )),
                Ok(_) => {}
            }
        }
        lines
    }

    fn member(&self, node: &NodeStatus) -> Option<(&MemberHealth, bool)> {
        let EtcdView::Known(health) = &self.etcd else { return None };
        let nodes: Vec<&NodeStatus> = self.nodes.iter().filter(|n| n.control_plane).collect();
        let member = health
            .members
            .iter()
            .find(|m| node_of(&m.member, &nodes).is_some_and(|found| found.name == node.name))?;
        Some((member, health.leader() == Some(member.member.id)))
    }

    /// For people.
    pub(super) fn text(&self, now: OffsetDateTime) -> String {
        let head = ["NAME", "ROLE", "VERSION", "READY", "ETCD", "CERTIFICATES"];
        let mut rows = vec![head.map(str::to_owned)];
        for node in &self.nodes {
            let ready = match (&node.not_ready, node.schedulable) {
                (Some(_), _) => "no",
                (None, true) => "yes",
                (None, false) => "yes, cordoned",
            };
            let (etcd, certificates) = match node.control_plane {
                true => (self.etcd_cell(node), self.certificates_cell(node, now)),
                false => ("-".into(), "-".into()),
            };
            rows.push([
                node.name.clone(),
                node.role().into(),
                node.kubelet.clone(),
                ready.into(),
                etcd,
                certificates,
            ]);
        }
        let mut text = columns(&rows);
        let problems = self.problems(now);
        let hint =
            matches!(self.etcd, EtcdView::NotFromHere) && self.nodes.iter().any(|node| node.control_plane);
        if !problems.is_empty() || hint {
            text.push('\n');
        }
        for problem in problems {
            text.push_str(&format!("{}\n", escape::field(&problem, "    ")));
        }
        if hint {
            text.push_str("etcd's members can be seen on a control-plane node that runs one\n");
        }
        text
    }

    fn etcd_cell(&self, node: &NodeStatus) -> String {
        match (&self.etcd, self.member(node)) {
            (EtcdView::Known(_), None) => "no member".into(),
            (_, None) => "unknown".into(),
            (_, Some((member, leader))) => match &member.state {
                State::Healthy if member.member.is_learner => "learner".into(),
                State::Healthy if leader => "healthy, leader".into(),
                State::Healthy => "healthy".into(),
                State::NotStarted => "not started".into(),
                State::NoLeader => "no leader".into(),
                State::Failing(_) => "failing".into(),
                State::Down(_) => "down".into(),
            },
        }
    }

    /// The end that comes first; `unknown` where a server shows nothing.
    fn certificates_cell(&self, node: &NodeStatus, now: OffsetDateTime) -> String {
        let own = || self.certificates.iter().filter(|c| c.node == node.name);
        let ends = own().filter_map(|c| Some((c.expires.as_ref().ok()?, c.server.certificate)));
        match ends.min() {
            Some((end, name)) if *end < now => format!("{name} expired"),
            Some((end, name)) => format!("{} ({name})", human(*end - now)),
            None => "unknown".into(),
        }
    }

    /// For machines.
    pub(super) fn data(&self, now: OffsetDateTime) -> Value {
        let nodes: Vec<Value> = self.nodes.iter().map(|node| self.node(node)).collect();
        let etcd = match &self.etcd {
            EtcdView::Known(health) => json!({ "quorum": health.check_quorum().is_ok() }),
            EtcdView::NotFromHere => json!({ "error": "this machine has no etcd member" }),
            EtcdView::Failed(why) => json!({ "error": why }),
        };
        json!({ "ok": self.is_healthy(now), "nodes": nodes, "etcd": etcd, "problems": self.problems(now) })
    }

    fn node(&self, node: &NodeStatus) -> Value {
        let mut value = json!({
            "name": node.name,
            "role": node.role(),
            "version": node.kubelet,
            "ready": node.not_ready.is_none(),
            "schedulable": node.schedulable,
            "addresses": node.addresses,
        });
        let Some(fields) = value.as_object_mut() else { return value };
        if let Some(why) = &node.not_ready {
            fields.insert("reason".into(), json!(why));
        }
        if !node.since.is_empty() {
            fields.insert("since".into(), json!(node.since));
        }
        if let Some((member, leader)) = self.member(node) {
            let etcd = json!({
                "id": format!("{:x}", member.member.id),
                "healthy": member.state == State::Healthy,
                "state": member.state.to_string(),
                "learner": member.member.is_learner,
                "leader": leader,
            });
            fields.insert("etcd".into(), etcd);
        }
        if node.control_plane {
            let own = self.certificates.iter().filter(|c| c.node == node.name);
            fields.insert("certificates".into(), own.map(certificate).collect());
        }
        value
    }
}

fn certificate(certificate: &Certificate) -> Value {
    let Certificate { server, expires, .. } = certificate;
    match expires {
        Ok(end) => json!({ "name": server.certificate, "address": server.address, "expires": utc(*end) }),
        Err(why) => json!({ "name": server.certificate, "address": server.address, "error": why }),
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            lines[1],
            "cp1       control-plane   v1.36.2   yes       healthy, leader   364d (apiserver)"
        );
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
}
