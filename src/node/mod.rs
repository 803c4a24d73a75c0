//! What stands on this machine: static Pods, kubelet's files, the certificates' folder, the node's role.

mod etcd;
#[cfg(test)]
pub(crate) mod fake;
mod http_probe;
pub(crate) mod identity;
mod restart;
mod static_pod;

pub(crate) use etcd::{LocalEtcd, etcd_endpoints, joined_members};
pub(crate) use http_probe::{HttpProbe, KILLING, LIVENESS};
pub(crate) use restart::{StaticPods, is_left_stopped, start_kubelet};
pub(crate) use static_pod::StaticPod;
