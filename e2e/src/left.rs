//! What `init` leaves on the machine and in the cluster, without what differs from run to run: so that what two runs
//! leave can be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::node::Node;
use crate::json::at;
use crate::machine::NODE_NAME;

/// Where `init` writes.
pub(crate) const PLACES: &[&str] = &[
    "/etc/kubernetes",
    "/etc/systemd/system",
    "/var/lib/kubelet/config.yaml",
    "/var/lib/kubelet/instance-config.yaml",
    "/var/lib/kubelet/kubeadm-flags.env",
];

/// What it makes in the cluster: kind, namespace, name.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("ConfigMap", "kube-system", "kubeadm-config"),
    ("ConfigMap", "kube-system", "kubelet-config"),
    ("ConfigMap", "kube-system", "coredns"),
    ("ConfigMap", "kube-system", "kube-proxy"),
    ("ConfigMap", "kube-public", "cluster-info"),
    ("Service", "kube-system", "kube-dns"),
    ("ServiceAccount", "kube-system", "coredns"),
    ("ServiceAccount", "kube-system", "kube-proxy"),
    ("Deployment", "kube-system", "coredns"),
    ("DaemonSet", "kube-system", "kube-proxy"),
    ("Role", "kube-public", "kubeadm:bootstrap-signer-clusterinfo"),
    ("Role", "kube-system", "kube-proxy"),
    ("Role", "kube-system", "kubeadm:kubelet-config"),
    ("Role", "kube-system", "kubeadm:nodes-kubeadm-config"),
    ("RoleBinding", "kube-public", "kubeadm:bootstrap-signer-clusterinfo"),
    ("RoleBinding", "kube-system", "kube-proxy"),
    ("RoleBinding", "kube-system", "kubeadm:kubelet-config"),
    ("RoleBinding", "kube-system", "kubeadm:nodes-kubeadm-config"),
    ("ClusterRole", "", "kubeadm:get-nodes"),
    ("ClusterRole", "", "system:coredns"),
    ("ClusterRoleBinding", "", "kubeadm:cluster-admins"),
    ("ClusterRoleBinding", "", "kubeadm:get-nodes"),
    ("ClusterRoleBinding", "", "kubeadm:kubelet-bootstrap"),
    ("ClusterRoleBinding", "", "kubeadm:node-autoapprove-bootstrap"),
    ("ClusterRoleBinding", "", "kubeadm:node-autoapprove-certificate-rotation"),
    ("ClusterRoleBinding", "", "kubeadm:node-proxier"),
    ("ClusterRoleBinding", "", "system:coredns"),
    ("Node", "", NODE_NAME),
];

/// What was left: a line for each file and each part of an object that a run decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left(pub(crate) BTreeMap<String, String>);

impl Left {
    /// Of this node, now.
    ///
    /// # Errors
    /// When a file can't be read, or an object is missing.
    pub(crate) fn of(node: &Node) -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        for place in PLACES {
            file(Path::new(place), &mut all)?;
        }
        let mut kinds: Vec<&str> = OBJECTS.iter().map(|(kind, ..)| *kind).chain(["Secret"]).collect();
        kinds.dedup();
        let list = node.get(&["--all-namespaces", &kinds.join(",")])?;
        let list = at(&list, "/items").as_array().context("kubectl gives no list")?;
        for (kind, namespace, name) in OBJECTS {
            let named = |o: &&Value| {
                at(o, "/kind") == kind
                    && at(o, "/metadata/name") == name
                    && at(o, "/metadata/namespace").as_str().unwrap_or_default() == *namespace
            };
            let object = list.iter().find(named);
            let object = object.with_context(|| format!("there is no {kind} {namespace}/{name}"))?;
            all.insert(format!("{kind} {namespace}/{name}"), decided(kind, object).to_string());
        }
        let tokens = list.iter().filter(|o| at(o, "/type") == "bootstrap.kubernetes.io/token").count();
        all.insert("bootstrap tokens".into(), tokens.to_string());
        Ok(Self(all))
    }

    /// # Errors
    /// When `other` was left instead: with what differs.
    pub(crate) fn same_as(&self, other: &Self) -> anyhow::Result<()> {
        let names = self.0.keys().chain(other.0.keys().filter(|n| !self.0.contains_key(*n)));
        let mut differences = vec![];
        for name in names {
            let (own, others) = (self.0.get(name), other.0.get(name));
            if own != others {
                let shown = |text: Option<&String>| text.map_or("nothing".to_owned(), Clone::clone);
                differences.push(format!("{name}:\n    {}\n    {}", shown(own), shown(others)));
            }
        }
        ensure!(differences.is_empty(), "the two left different things:\n  {}", differences.join("\n  "));
        Ok(())
    }
}

/// Name and mode of all below `path`; of what holds no secret and no key, also what is in it.
fn file(path: &Path, all: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let Ok(about) = path.symlink_metadata() else { return Ok(()) };
    let mut line = format!("{:o}", about.permissions().mode());
    let plain = path.extension().is_some_and(|e| e == "yaml" || e == "env" || e == "service");
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            file(&entry?.path(), all)?;
        }
    } else if plain && about.is_file() {
        line.push(' ');
        line.push_str(&fs::read_to_string(path)?);
    }
    all.insert(path.display().to_string(), line);
    Ok(())
}

/// The parts of an object that whoever made it decided.
fn decided(kind: &str, object: &Value) -> Value {
    let parts: &[&str] = match kind {
        // The rest of it, the cluster adds as it goes.
        "Node" => &["/metadata/labels"],
        // Its data has the CA and a signature, which are another run's others.
        "ConfigMap" if at(object, "/metadata/name") == "cluster-info" => &["/metadata/labels"],
        _ => &["/metadata/labels", "/rules", "/roleRef", "/subjects", "/data", "/spec"],
    };
    let parts: Vec<&Value> = parts.iter().map(|part| at(object, part)).collect();
    json!([parts, taints(object)])
}

/// The taints that last: others come and go with the node's condition.
fn taints(node: &Value) -> Vec<Value> {
    let all = at(node, "/spec/taints").as_array().cloned().unwrap_or_default();
    let lasting = |t: &Value| at(t, "/key").as_str().is_some_and(|k| k.starts_with("node-role."));
    all.into_iter().filter(lasting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let left = |value: &str| Left(BTreeMap::from([("a".to_owned(), value.to_owned())]));
        assert!(left("1").same_as(&left("1")).is_ok());
        let error = left("1").same_as(&left("2")).unwrap_err().to_string();
        assert!(error.contains("a:\n    1\n    2"), "{error}");
        assert!(left("1").same_as(&Left(BTreeMap::new())).is_err());
    }

    #[test]
    fn passing_taints_and_signatures_do_not_count() {
        let node = |key: &str| json!({ "spec": { "podCIDR": key, "taints": [{ "key": key }, { "key": "node-role.kubernetes.io/control-plane" }] } });
        let of = |key: &str| decided("Node", &node(key));
        assert_eq!(of("node.kubernetes.io/not-ready"), of("other"));
        let info = |jws: &str| json!({ "metadata": { "name": "cluster-info" }, "data": { "kubeconfig": "x", "jws": jws } });
        assert_eq!(decided("ConfigMap", &info("a")), decided("ConfigMap", &info("b")));
    }
}
