//! What stands on this machine: static Pods, kubelet's files, the certificates' folder, the node's role.

pub(crate) mod identity;
mod static_pod;

pub(crate) use static_pod::StaticPod;
