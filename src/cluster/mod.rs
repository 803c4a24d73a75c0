//! The cluster behind the API server: every object that init puts there.
//!
//! Pure: settings in, objects out, in the order in which kubeadm applies them; each phase has its function.
//!
//! - [`cluster_admins`]: admin.conf's rights
//! - [`upload_config`]: `kubeadm-config` and `kubelet-config`
//! - [`upload_certs`]: the shared certificates, encrypted
//! - [`mark_control_plane`], [`annotate_cri_socket`]: what a Node says of itself
//! - [`bootstrap_token`]: tokens, and what may be done with them
//! - [`cluster_info`]: how a joining node finds and trusts the cluster
//!
//! The addons' objects are in [`crate::addons`].

pub mod bootstrap_token;
mod cluster_admins;
pub mod cluster_info;
mod hash;
mod node;
mod object;
mod seal;
pub mod upload_certs;
pub mod upload_config;

#[cfg(test)]
pub(crate) mod tests;

pub use cluster_admins::cluster_admins;
pub(crate) use hash::component_config_hash;
pub use node::{CONTROL_PLANE_LABELS, annotate_cri_socket, mark_control_plane};
pub use object::{Apply, ClusterObject, ObjectError, ObjectName};
pub use seal::{CertificateKey, CertificateKeyError, SealError};
mod seam;
pub use seam::{Cluster, ClusterError, Recorder};
