//! `upload-config`: the configuration, for those who join and upgrade.

use super::context::InitContext;
use super::node::apply_to_node;
use super::phase::{Outcome, Phase};
use crate::cluster;

/// The group.
pub(super) fn phase() -> Phase<InitContext> {
    let kubeadm = Phase::new(
        "kubeadm",
        "Store the ClusterConfiguration in the ConfigMap kubeadm-config",
        |c: &mut InitContext| {
            c.out.log(
                "upload-config",
                "Storing the ClusterConfiguration in ConfigMap kube-system/kubeadm-config",
            );
            c.apply("upload-config", cluster::upload_config::kubeadm(&c.settings)?)?;
            Ok(Outcome::Done)
        },
    );
    let kubelet = Phase::new(
        "kubelet",
        "Store kubelet's configuration in the ConfigMap kubelet-config",
        |c: &mut InitContext| {
            c.out.log("kubelet", "Storing kubelet's configuration in ConfigMap kube-system/kubelet-config");
            c.apply("kubelet", cluster::upload_config::kubelet(&c.settings)?)?;
            // Up to 1.33 the Node says which CRI socket it uses.
            apply_to_node(c, "upload-config", cluster::annotate_cri_socket(&c.settings)?)?;
            Ok(Outcome::Done)
        },
    );
    Phase::group("upload-config", "Store the configuration in the cluster", vec![kubeadm, kubelet])
        .alias(&["uploadconfig"])
}
