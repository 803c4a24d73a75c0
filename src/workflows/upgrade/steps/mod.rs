//! What the phases of an upgrade do.

pub(super) mod bootstrap_token;
pub(super) mod control_plane;
pub(super) mod kubeconfig;
pub(super) mod kubelet_config;
pub(super) mod post_upgrade;
pub(super) mod preflight;
mod renewal;
mod roll;
#[cfg(test)]
mod tests;
pub(crate) mod undo;
