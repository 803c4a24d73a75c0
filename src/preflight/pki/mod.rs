//! Certificates, keys and kubeconfigs that exist already.

pub(super) mod kubeconfigs;
pub(super) mod pairs;
