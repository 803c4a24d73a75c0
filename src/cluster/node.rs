//! What init writes on its own Node.

use askama::Template;
use k8s_openapi::api::core::v1::Taint;

use super::{Apply, ClusterObject, ObjectError};
use crate::config::Settings;
use crate::config::settings::CONTROL_PLANE_LABEL;

/// The labels of a control-plane node, all with an empty value.
pub(crate) const CONTROL_PLANE_LABELS: [&str; 2] =
    [CONTROL_PLANE_LABEL, "node.kubernetes.io/exclude-from-external-load-balancers"];

#[derive(Template)]
#[template(path = "cluster/control-plane-node.yml")]
struct ControlPlaneNode<'a> {
    name: &'a str,
    labels: [&'a str; 2],
    taints: &'a [Taint],
}

/// The phase mark-control-plane: labels and taints of the Node.
///
/// # Errors
/// A fault of ours.
pub(crate) fn mark_control_plane(settings: &Settings) -> Result<Vec<ClusterObject>, ObjectError> {
    let (name, taints) = (settings.node_name(), settings.node.taints.as_slice());
    ClusterObject::render(&ControlPlaneNode { name, labels: CONTROL_PLANE_LABELS, taints }, Apply::PatchNode)
}

#[derive(Template)]
#[template(path = "cluster/cri-socket-node.yml")]
struct CriSocketNode<'a> {
    name: &'a str,
    cri_socket: &'a str,
}

/// The annotation with the runtime's socket, at the end of upload-config/kubelet; none where the version keeps the
/// socket in a file of the node's own.
///
/// # Errors
/// A fault of ours.
pub(crate) fn annotate_cri_socket(settings: &Settings) -> Result<Vec<ClusterObject>, ObjectError> {
    if settings.instance_config() {
        return Ok(vec![]);
    }
    let cri_socket = &settings.node.registration.cri_socket;
    ClusterObject::render(&CriSocketNode { name: settings.node_name(), cri_socket }, Apply::PatchNode)
}
