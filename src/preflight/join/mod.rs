//! What only a joining node is checked for: files that an earlier join, or another
//! cluster, left.

pub(super) mod kubelet_conf;
pub(super) mod trust;
