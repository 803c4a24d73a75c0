//! The cluster behind the API server: every object that init puts there, and the way there.
//!
//! What is put there is pure: settings in, objects out, in the order in which kubeadm applies them; each phase has
//! its function.
//!
//! - [`cluster_admins()`]: admin.conf's rights
//! - [`upload_config`]: `kubeadm-config` and `kubelet-config`
//! - [`upload_certs`]: the shared certificates, encrypted
//! - [`mark_control_plane`], [`annotate_cri_socket`]: what a Node says of itself
//! - [`bootstrap_token`]: tokens, and what may be done with them
//! - [`cluster_info`]: how a joining node finds and trusts the cluster
//!
//! The addons' objects are in [`crate::addons`].
//!
//! Phases see a [`Cluster`]: a [`KubeCluster`] for real, a [`Recorder`] in a dry run.

mod apply;
pub(crate) mod bootstrap_token;
mod change;
mod cluster_admins;
pub(crate) mod cluster_info;
mod connection;
mod copied_link;
pub(crate) mod download_certs;
mod error;
#[cfg(test)]
mod fake;
mod hash;
mod kinds;
mod lazy;
mod live;
mod merge;
mod node;
mod node_status;
mod object;
mod of_node;
mod read_only;
mod recorder;
mod seal;
mod seam;
pub(crate) mod stored;
mod tokens;
pub(crate) mod upload_certs;
pub(crate) mod upload_config;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use change::Change;
pub(crate) use cluster_admins::cluster_admins;
pub(crate) use error::{ClusterError, Refusal};
pub(crate) use hash::component_config_hash;
pub(crate) use lazy::LazyCluster;
pub(crate) use live::{Access, KubeCluster, KubeconfigFile};
pub(crate) use node::{CONTROL_PLANE_LABELS, annotate_cri_socket, mark_control_plane};
pub(crate) use node_status::NodeStatus;
pub(crate) use object::{Apply, ClusterObject, ObjectError, ObjectName, TOKEN_SECRET_TYPE};
pub(crate) use of_node::{of_kubeconfig, of_kubeconfig_text, of_node, trial_of_kubeconfig};
pub(crate) use read_only::ReadOnly;
pub(crate) use recorder::Recorder;
pub(crate) use seal::CertificateKey;
pub(crate) use seam::Cluster;
pub(crate) use tokens::StoredToken;
