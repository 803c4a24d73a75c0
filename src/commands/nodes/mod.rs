//! `nodes`: the cluster's Nodes, with what runs on those of the control plane.

mod etcd;
mod view;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use crate::certs::{Server, expiries};
use crate::cluster::{self, Cluster, NodeStatus};
use crate::commands::reach::find_kubeconfig;
use crate::config::settings::join_host_port;
use crate::config::url;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::node::identity::ENDPOINT;
use crate::output::Printer;

use etcd::EtcdView;
use view::{Certificate, View};

/// For how long a request to the API server that fails is repeated.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long servers may take to show their certificates.
const ANSWER: Duration = Duration::from_secs(5);
/// kube-apiserver's usual port.
const PORT: u16 = 6443;

/// Which cluster, and how to ask its etcd.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The kubeconfig that leads to the cluster; none is the one that kubectl and kubeadm would take.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The folder of static Pod manifests, where etcd's tells how to ask it.
    pub(crate) manifests: PathBuf,
}

/// Lists the Nodes with their state.
///
/// # Errors
/// When there is no kubeconfig, or the API server can't be asked for them.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let asked = etcd::ask(request.manifests.clone());
    let kubeconfig = find_kubeconfig(request.kubeconfig.as_deref())?;
    let mut cluster = cluster::of_kubeconfig(kubeconfig, PATIENCE)?;
    let mut nodes = BTreeMap::new();
    // One after the other: a Node of a large cluster is mostly a list of images.
    cluster.for_each("Node", "", &mut |node| {
        let node = NodeStatus::of(&node);
        nodes.insert(node.name.clone(), node);
    })?;
    let view = look(nodes.into_values().collect(), &mut *cluster, asked);
    let now = OffsetDateTime::now_utc();
    out.result(view.data(now), &view.text(now));
    Ok(if view.is_healthy(now) { ExitStatus::Done } else { ExitStatus::Unhealthy })
}

/// What runs on the control planes, beside what the Nodes say.
fn look(nodes: Vec<NodeStatus>, cluster: &mut dyn Cluster, asked: JoinHandle<EtcdView>) -> View {
    let control_planes: Vec<&NodeStatus> = nodes.iter().filter(|node| node.control_plane).collect();
    let mut servers: Vec<(String, Server)> = vec![];
    for node in &control_planes {
        let address = api_server(node, cluster);
        let server = |address| Server { certificate: "apiserver", address };
        servers.extend(address.map(|address| (node.name.clone(), server(address))));
    }
    // What panicked has said so.
    let etcd = asked.join().unwrap_or_default();
    for (node, member) in etcd.of_nodes(&control_planes) {
        for (certificate, urls) in [("etcd-server", &member.client_urls), ("etcd-peer", &member.peer_urls)] {
            // Over plain http there is no certificate to see.
            let shown = urls.first().and_then(|url| url::parse(url).ok()).filter(|url| url.scheme == "https");
            let address = shown.and_then(|url| Some(join_host_port(&url.host, url.port.parse().ok()?)));
            servers.extend(address.map(|address| (node.to_owned(), Server { certificate, address })));
        }
    }
    let shown = expiries(&servers.iter().map(|(_, server)| server.clone()).collect::<Vec<_>>(), ANSWER);
    let certificates = servers.into_iter().zip(shown);
    let certificates = certificates.map(|((node, server), expires)| Certificate { node, server, expires });
    View { certificates: certificates.collect(), etcd, nodes }
}

/// `host:port` of a Node's API server: as its static Pod tells, else by the Node's address.
fn api_server(node: &NodeStatus, cluster: &mut dyn Cluster) -> Option<String> {
    let pod = cluster.get("Pod", "kube-system", &format!("kube-apiserver-{}", node.name)).ok().flatten();
    let told = pod.as_ref().and_then(|pod| pod.pointer(ENDPOINT)).and_then(Value::as_str).map(str::to_owned);
    told.or_else(|| node.addresses.first().map(|host| join_host_port(host, PORT)))
}
