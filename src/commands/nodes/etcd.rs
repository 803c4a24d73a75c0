//! The cluster's etcd, as far as it can be asked from here.

use std::path::PathBuf;
use std::thread::JoinHandle;

use crate::cluster::NodeStatus;
use crate::commands::etcd::Target;
use crate::etcd::{ClusterHealth, Member};
use crate::manifest::Component;

/// How etcd stands.
#[derive(Debug)]
pub(super) enum EtcdView {
    /// Its members.
    Known(ClusterHealth),
    /// This machine has no member, and so no credentials.
    NotFromHere,
    /// It could not be asked, and why.
    Failed(String),
}

impl Default for EtcdView {
    fn default() -> Self {
        Self::Failed("it could not be asked".into())
    }
}

/// Asks etcd, beside other work.
pub(super) fn ask(manifests: PathBuf) -> JoinHandle<EtcdView> {
    std::thread::spawn(move || {
        if !manifests.join(Component::Etcd.file()).exists() {
            return EtcdView::NotFromHere;
        }
        let target = Target { manifests, ..Target::default() };
        let health = target
            .connect()
            .map_err(|e| e.to_string())
            .and_then(|mut reached| ClusterHealth::look(&mut reached.etcd).map_err(|e| e.to_string()));
        health.map_or_else(EtcdView::Failed, EtcdView::Known)
    })
}

impl EtcdView {
    /// The members that run on Nodes, with these.
    pub(super) fn of_nodes<'a>(&'a self, nodes: &[&'a NodeStatus]) -> Vec<(&'a str, &'a Member)> {
        let Self::Known(health) = self else { return vec![] };
        let members = health.members.iter().map(|m| &m.member);
        members.filter_map(|m| Some((node_of(m, nodes)?.name.as_str(), m))).collect()
    }
}

/// The Node that a member runs on: it has its name, as kubeadm gives it, or its address.
pub(super) fn node_of<'a>(member: &Member, nodes: &[&'a NodeStatus]) -> Option<&'a NodeStatus> {
    let by_name = nodes.iter().find(|node| node.name == member.name);
    let is_at =
        |url: &String, address: &String| crate::config::url::parse(url).is_ok_and(|url| url.host == *address);
    let by_address = || {
        nodes.iter().find(|node| {
            node.addresses.iter().any(|address| member.peer_urls.iter().any(|url| is_at(url, address)))
        })
    };
    by_name.or_else(by_address).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_belongs_to_the_node_of_its_name_or_else_of_its_address() {
        let node = |name: &str, address: &str| NodeStatus {
            name: name.into(),
            addresses: vec![address.into()],
            ..NodeStatus::default()
        };
        let (one, two) = (node("one", "10.0.0.1"), node("two", "fd00::2"));
        let nodes = [&one, &two];
        let member = |name: &str, peer: &str| Member {
            name: name.into(),
            peer_urls: vec![peer.into()],
            ..Member::default()
        };
        let of = |name: &str, peer: &str| node_of(&member(name, peer), &nodes).map(|n| n.name.as_str());
        assert_eq!(of("one", "https://10.0.0.9:2380"), Some("one"));
        assert_eq!(of("", "https://10.0.0.1:2380"), Some("one"));
        assert_eq!(of("x", "https://[fd00::2]:2380"), Some("two"));
        assert_eq!(of("x", "https://10.0.0.9:2380"), None);
    }
}
