//! What stands on this machine: static Pods, kubelet's files, the certificates' folder, the node's role.

mod etcd;
pub(crate) mod identity;
mod static_pod;

pub(crate) use etcd::{LocalEtcd, etcd_endpoints};
pub(crate) use static_pod::StaticPod;
