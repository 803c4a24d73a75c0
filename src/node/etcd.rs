//! Where etcd's members are reached, as this node's manifest of it tells.

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
