//! etcd on this node, as its manifest tells: its member, and where the members are reached.

use std::path::PathBuf;

use super::StaticPod;
use crate::config::settings::join_host_port;
use crate::config::url;

/// etcd's port for clients.
const CLIENT_PORT: u16 = 2379;

/// Client URLs at which etcd's members may answer: this node's, and those that were there when it joined.
pub(crate) fn etcd_endpoints(pod: &StaticPod) -> Vec<String> {
    let urls = pod.flag("advertise-client-urls").unwrap_or_default();
    let own = urls.split(',').map(str::to_owned);
    let cluster = pod.flag("initial-cluster").unwrap_or_default();
    let peers = cluster.split(',').filter_map(|member| url::parse(member.split_once('=')?.1).ok());
    let peers = peers.map(|peer| format!("https://{}", join_host_port(&peer.host, CLIENT_PORT)));
    let mut all: Vec<String> = vec![];
    for url in own.chain(peers).filter(|url| !url.is_empty()) {
        if !all.contains(&url) {
            all.push(url);
        }
    }
    all
}

/// `--initial-cluster` of a member that joined others, where it still names this member: `name` at `peer_url`.
pub(crate) fn joined_members(pod: &StaticPod, name: &str, peer_url: &str) -> Option<String> {
    let joined = pod.flag("initial-cluster-state").is_some_and(|state| state == "existing");
    let members = pod.flag("initial-cluster").filter(|_| joined)?;
    let own = format!("{name}={peer_url}");
    members.split(',').any(|member| member == own).then_some(members)
}

/// The member of etcd that runs on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalEtcd {
    /// Its name.
    pub(crate) name: String,
    /// Where its peers reach it; several are separated by commas.
    pub(crate) peer_urls: String,
    /// Where its data are on this machine.
    pub(crate) data: PathBuf,
    /// Its image.
    pub(crate) image: String,
    /// The other members that its manifest names, each with the URL of a peer.
    pub(crate) others: Vec<(String, String)>,
}

impl LocalEtcd {
    /// The member that a manifest describes.
    ///
    /// # Errors
    /// In words, when the manifest lacks what is needed, or keeps the WAL elsewhere.
    pub(crate) fn of(pod: &StaticPod) -> Result<Self, String> {
        let flag = |name: &str| pod.flag(name).ok_or_else(|| format!("etcd's manifest has no flag --{name}"));
        if let Some(wal) = pod.flag("wal-dir").filter(|dir| !dir.is_empty()) {
            return Err(format!(
                "etcd's manifest keeps the write-ahead log in another directory (--wal-dir={wal}), which can't be replaced together with the data\n  fix: remove --wal-dir from it, and from etcd.local.extraArgs of the ClusterConfiguration"
            ));
        }
        let name = flag("name")?;
        let members = pod.flag("initial-cluster").unwrap_or_default();
        let members = members.split(',').filter_map(|m| m.split_once('='));
        let others =
            members.filter(|(n, _)| *n != name).map(|(n, url)| (n.to_owned(), url.to_owned())).collect();
        Ok(Self {
            others,
            peer_urls: flag("initial-advertise-peer-urls")?,
            data: pod
                .host_path("etcd-data")
                .ok_or("etcd's manifest has no volume \"etcd-data\" with a hostPath")?,
            image: pod.image().ok_or("etcd's manifest names no image")?.to_owned(),
            name,
        })
    }

    /// `name=URL` for each of its peer URLs: what `--initial-cluster` takes.
    pub(crate) fn initial_cluster(&self) -> String {
        let urls = self.peer_urls.split(',').map(|url| format!("{}={url}", self.name));
        urls.collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::Component;

    #[test]
    fn member_is_read_from_the_manifest_and_a_wal_elsewhere_refused() {
        let pod = |more: &[&str]| {
            let mut command = vec![
                "etcd",
                "--name=n2",
                "--initial-advertise-peer-urls=https://10.0.0.2:2380",
                "--initial-cluster=n1=https://10.0.0.1:2380,n2=https://10.0.0.2:2380",
            ];
            command.extend(more);
            let spec = json!({
                "containers": [{ "name": "etcd", "image": "r/etcd:3.6.8-0", "command": command }],
                "volumes": [{ "name": "etcd-data", "hostPath": { "path": "/d" } }],
            });
            StaticPod::new(Component::Etcd, json!({ "spec": spec }))
        };
        let member = LocalEtcd::of(&pod(&[])).unwrap();
        assert_eq!(member.others, [("n1".to_owned(), "https://10.0.0.1:2380".to_owned())]);
        assert_eq!((member.name.as_str(), member.data.to_str()), ("n2", Some("/d")));
        assert_eq!(member.initial_cluster(), "n2=https://10.0.0.2:2380");
        assert!(LocalEtcd::of(&pod(&["--wal-dir=/w"])).unwrap_err().contains("--wal-dir=/w"));
    }
}
