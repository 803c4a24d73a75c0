//! The rights of admin.conf: its group `kubeadm:cluster-admins` is bound to `cluster-admin`, so that they can be
//! revoked, unlike those of super-admin.conf (`system:masters`).

use askama::Template;

use super::{Apply, ClusterObject, ObjectError};

#[derive(Template)]
#[template(path = "cluster/cluster-admins.yml")]
struct Objects;

/// The ClusterRoleBinding `kubeadm:cluster-admins`; an existing one is left as its owner made it.
///
/// kubeadm makes it while it waits for the API server, and does not show it in a dry run.
///
/// # Errors
/// A fault of ours.
pub(crate) fn cluster_admins() -> Result<Vec<ClusterObject>, ObjectError> {
    ClusterObject::render(&Objects, Apply::CreateOnly)
}
