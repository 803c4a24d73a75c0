//! kubestrap against the real kubelet, containerd or CRI-O, etcd and Kubernetes: `cargo e2e --bin-dir DIR`.
//!
//! - `machine` makes machines in namespaces of their own, `systemd` stands in for process 1 there, `vm` boots a fresh
//!   Debian instead.
//! - `prepare` packs the folder's programs into `images`; `node` is a machine with a container `runtime` and kubelet.
//! - `scenarios` are what must hold on a healthy node, `faults` what is said of broken ones.
//!
//! `cargo xtask bench` measures on the same machines: what it needs is public, and its jobs are given to
//! [`if_in_machine`].

mod asking;
mod balancer;
mod binaries;
pub mod build;
pub mod cluster;
pub mod command;
pub mod config;
mod faults;
mod fresh;
mod ignored;
mod image;
pub mod images;
pub mod json;
mod kill;
mod left;
mod libraries;
pub mod machine;
mod neighbour;
pub mod node;
pub mod plan;
mod pod_network;
mod prepare;
mod recipes;
mod run;
mod runtime;
pub mod say;
mod scenarios;
mod step;
mod systemd;
mod test_images;
mod vm;
mod vms;
mod wait;

pub use asking::{Asked, Asking};
pub use neighbour::Neighbour;
pub use prepare::{Programs, prepare};
pub use run::E2e;
pub use scenarios::join::{
    as_worker, command_to_join, init as init_to_join, is_control_plane, is_discoverable, is_node,
};
pub use scenarios::upgrade::{checks as upgrade_checks, control_plane_of_minor_before};
pub use step::{Job, if_in_machine};
