//! What only a joining node is checked for: files that an earlier join left, and those that it must have.

pub(super) mod kubelet_conf;
pub(super) mod shared;
pub(super) mod trust;
