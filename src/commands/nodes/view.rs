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
mod tests;
