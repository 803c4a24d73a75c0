//! Rules about flags, a file a component. Each says where in the component's source it is checked.

pub(super) mod admission;
pub(super) mod apiserver;
pub(super) mod common;
pub(super) mod controller_manager;
pub(super) mod etcd;
pub(super) mod kubelet;
pub(super) mod oidc;
pub(super) mod runtime_config;
