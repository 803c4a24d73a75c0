//! The steps that the workflows' tables name. A step is a function on the `Run`: it takes settings, has a domain module
//! render, and hands the result to the host or the cluster.

pub(crate) mod addon;
mod ask_components;
mod attention;
pub(crate) mod bootstrap_token;
pub(crate) mod certs;
pub(crate) mod download_certs;
pub(crate) mod etcd_data;
pub(crate) mod etcd_member;
pub(crate) mod hold;
pub(crate) mod join_control_plane;
pub(crate) mod kubeconfig;
pub(crate) mod kubelet_finalize;
pub(crate) mod kubelet_start;
pub(crate) mod mark_control_plane;
mod node;
pub(crate) mod preflight;
mod profile_files;
pub(crate) mod signing_requests;
pub(crate) mod static_pods;
pub(crate) mod tls_bootstrap;
pub(crate) mod upload_certs;
pub(crate) mod upload_config;
pub(crate) mod wait_control_plane;
mod watched;

pub(crate) use watched::watched;
