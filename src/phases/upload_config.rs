//! `upload-config`: the configuration, stored in the cluster for joins and upgrades.

use super::node::apply_to_node;
use crate::cluster;
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Verb};

/// The phases of `upload-config`.
pub(crate) fn phases<S: AsMut<Run> + 'static>() -> Vec<Phase<S>> {
    vec![
        Phase::shared("kubeadm", "Store the ClusterConfiguration in ConfigMap kubeadm-config", kubeadm),
        Phase::shared("kubelet", "Store kubelet's configuration in ConfigMap kubelet-config", kubelet),
    ]
}

/// Stores the ClusterConfiguration.
///
/// # Errors
/// When it can't be stored.
pub(crate) fn kubeadm(run: &mut Run) -> PhaseResult {
    run.act(
        Verb::Store,
        "the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace",
    );
    run.apply(cluster::upload_config::kubeadm(&run.settings)?)?;
    Ok(Outcome::Done)
}

/// Stores kubelet's configuration.
///
/// # Errors
/// When it can't be stored.
pub(crate) fn kubelet(run: &mut Run) -> PhaseResult {
    // kubeadm's lines of this step bear this area.
    run.set_area("kubelet");
    run.act(
        Verb::Store,
        "kubelet's configuration in ConfigMap \"kubelet-config\" in the \"kube-system\" Namespace",
    );
    run.apply(cluster::upload_config::kubelet(&run.settings)?)?;
    // Up to 1.33 the Node says which CRI socket it uses.
    apply_to_node(run, cluster::annotate_cri_socket(&run.settings)?)?;
    Ok(Outcome::Done)
}
