//! What another control-plane node needs of the cluster: a stable endpoint, and the certificates that all control planes
//! share.

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::preflight::subject::Joining;

/// Without `controlPlaneEndpoint` every kubeconfig names the first control-plane node.
pub(crate) fn endpoint(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    if !settings.cluster.config.control_plane_endpoint.is_empty() {
        return vec![];
    }
    vec![
        Finding::error("the cluster has no controlPlaneEndpoint, so a control-plane node can't be added")
            .cause("all nodes use the address of its first control-plane node, and would fail with it")
            .fix("set controlPlaneEndpoint, an address that leads to all control-plane nodes, in the ClusterConfiguration of ConfigMap kube-system/kubeadm-config, and renew the API server's certificate with it"),
    ]
}

/// The shared files that must be here unless they are downloaded: kubeadm's list. The CA's key may be missing, where the
/// CA is external.
pub(crate) fn certificates(settings: &Settings, machine: &dyn Machine, joining: &Joining) -> Vec<Finding> {
    if joining.downloads_certificates {
        return vec![];
    }
    let local_etcd = settings.cluster.config.etcd.local.is_some();
    let mut needed = vec!["ca.crt", "sa.key", "sa.pub", "front-proxy-ca.crt"];
    if local_etcd {
        needed.push("etcd/ca.crt");
    }
    let dir = &settings.node.paths.certificates;
    let is_missing = |file: &&str| machine.kind(&dir.join(file)).is_none();
    let missing: Vec<&str> = needed.into_iter().filter(is_missing).collect();
    if !missing.is_empty() {
        let list = missing.join(" ");
        return vec![
            Finding::error(format!("certificates that the control planes share are missing in {}", dir.display()))
                .evidence(format!("missing: {}", missing.join(", ")))
                .cause("they were not copied to this machine, and no certificate key was given to download them")
                .fix(format!(
                    "`kubestrap init phase upload-certs --upload-certs` on a control-plane node prints a key for `--certificate-key`; or copy from {} of one: {list} and the CAs' keys",
                    dir.display()
                )),
        ];
    }
    let keys = ["ca.key", "front-proxy-ca.key", "etcd/ca.key"];
    let keys = keys.into_iter().filter(|k| local_etcd || !k.starts_with("etcd/"));
    let keys: Vec<&str> = keys.filter(is_missing).collect();
    if keys.is_empty() {
        return vec![];
    }
    vec![
        Finding::warning(format!("keys of CAs are missing in {}: {}", dir.display(), keys.join(", ")))
            .cause("certificates can't be generated here: all of this node's certificates and kubeconfigs must exist already")
            .fix("copy the keys too, unless the CAs are external"),
    ]
}
