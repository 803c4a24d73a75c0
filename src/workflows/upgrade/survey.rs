//! Which versions a cluster runs, node by node.

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use crate::cluster::NodeStatus as Node;
use crate::cluster::{Cluster, ClusterError};
use crate::config::KubernetesVersion;
use crate::manifest::Component;

const NAMESPACE: &str = "kube-system";

/// What a cluster runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Survey {
    /// The Nodes, by name.
    pub(crate) nodes: Vec<Node>,
    /// The static Pods of the control planes, by component and node.
    pub(crate) instances: BTreeMap<(Component, String), String>,
    /// The tag of CoreDNS' image, if it is installed.
    pub(crate) coredns: Option<String>,
    /// The tag of kube-proxy's image, if it is installed.
    pub(crate) kube_proxy: Option<String>,
}

/// Asks the cluster.
///
/// # Errors
/// When it can't be asked.
pub(crate) fn survey(cluster: &mut dyn Cluster) -> Result<Survey, ClusterError> {
    let mut nodes: Vec<Node> = cluster.list("Node", "")?.iter().map(Node::of).collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let pods = cluster.list("Pod", NAMESPACE)?;
    let instances = pods.iter().filter_map(instance).collect();
    let coredns = cluster.get("Deployment", NAMESPACE, "coredns")?;
    let kube_proxy = cluster.get("DaemonSet", NAMESPACE, "kube-proxy")?;
    let tag_of = |workload: &Option<Value>, container: &str| {
        let containers = workload.as_ref()?.pointer("/spec/template/spec/containers")?;
        image_of(containers, container).map(tag)
    };
    Ok(Survey {
        nodes,
        instances,
        coredns: tag_of(&coredns, "coredns"),
        kube_proxy: tag_of(&kube_proxy, "kube-proxy"),
    })
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A static Pod of a control plane, by kubeadm's labels.
fn instance(pod: &Value) -> Option<((Component, String), String)> {
    let labels = pod.pointer("/metadata/labels")?;
    if labels.get("tier")? != "control-plane" {
        return None;
    }
    let name = labels.get("component")?.as_str()?;
    let component = Component::ALL.into_iter().find(|c| c.name() == name)?;
    let image = image_of(pod.pointer("/spec/containers")?, name)?;
    Some(((component, text(pod, "/spec/nodeName")), tag(image)))
}

fn image_of<'a>(containers: &'a Value, name: &str) -> Option<&'a str> {
    let containers = containers.as_array()?;
    containers.iter().find(|c| c.get("name").is_some_and(|n| n == name))?.get("image")?.as_str()
}

/// The tag of an image reference; empty where it has none.
fn tag(image: &str) -> String {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').map_or("", |(_, tag)| tag).to_owned()
}

impl Survey {
    /// The instances of a component: node and image tag.
    pub(crate) fn of(&self, component: Component) -> impl Iterator<Item = (&str, &str)> {
        self.instances
            .iter()
            .filter(move |((of, _), _)| *of == component)
            .map(|((_, node), tag)| (node.as_str(), tag.as_str()))
    }

    /// The API servers' versions, as far as their images' tags are versions.
    pub(crate) fn api_servers(&self) -> Vec<(String, KubernetesVersion)> {
        let versions =
            self.of(Component::ApiServer).filter_map(|(n, tag)| Some((n.to_owned(), tag.parse().ok()?)));
        versions.collect()
    }

    /// The cluster's version: that of its newest API server.
    pub(crate) fn version(&self) -> Option<KubernetesVersion> {
        self.api_servers().into_iter().map(|(_, version)| version).max()
    }

    /// kubelets and their versions.
    pub(crate) fn kubelets(&self) -> impl Iterator<Item = (&str, KubernetesVersion)> {
        self.nodes.iter().filter_map(|n| Some((n.name.as_str(), n.kubelet.parse().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn static_pods_are_told_by_their_labels() {
        let pod = |image: &str, tier: &str| {
            json!({
                "metadata": {"labels": {"component": "etcd", "tier": tier}},
                "spec": {"nodeName": "n1", "containers": [{"name": "side"}, {"name": "etcd", "image": image}]},
            })
        };
        let found = |image: &str| instance(&pod(image, "control-plane")).unwrap().1;
        assert_eq!(found("localhost:5000/etcd:3.6.6-0"), "3.6.6-0");
        assert_eq!(found("localhost:5000/etcd@sha256:ab"), "");
        assert!(instance(&pod("etcd:1", "other")).is_none());
    }
}
