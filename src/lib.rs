//! kubestrap turns a fresh machine into a Kubernetes control plane, the way kubeadm does, and better.

pub mod addons;
pub mod certs;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod health;
pub mod host;
pub mod kubeconfig;
pub mod kubelet;
pub mod manifest;
pub mod output;
pub mod patches;
pub mod phases;
pub mod pki;
pub mod preflight;
pub mod yaml;
