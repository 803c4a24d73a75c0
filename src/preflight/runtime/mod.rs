//! The container runtime: whether it is there, serves CRI v1, agrees with kubelet, and can start a sandbox.

mod containerd;
pub(super) mod cri;
pub(super) mod images;
pub(super) mod sandbox;
mod sandbox_rules;

pub(super) use cri::is_run_by_systemd;
