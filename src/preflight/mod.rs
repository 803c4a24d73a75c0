//! Checks before init acts: a [table](table()) of rows, each of which measures through [`Machine`] and returns
//! [`Finding`]s.
//!
//! The names are kubeadm's, so that `--ignore-preflight-errors` carries over. What is different on purpose:
//! - init can be run again, so what an earlier run of it left (manifests, etcd's data, its own processes on their
//!   ports) is no error; the same of another cluster is.
//! - What is proven to keep a control plane from coming up is an error, even where kubeadm only warns: swap that
//!   kubelet refuses. What proves nothing is no error: a kernel whose configuration can't be found.
//! - There are checks that kubeadm lacks; [`table`](table()) marks them.

mod address;
mod check;
mod checks;
mod clock;
mod components;
mod containerd;
mod data;
mod disk;
mod endpoint;
mod etcd;
mod etcd_client;
mod existing;
#[cfg(test)]
mod fake;
mod firewall;
mod fix;
mod forwarding;
mod go_proxy;
mod host_files;
mod identity;
mod images;
mod kernel;
mod kubeconfigs;
mod kubelet;
mod kubelet_config;
mod kubelet_flags;
mod kubelet_unit;
mod machine;
mod manifest_folder;
mod manifests;
mod modules;
mod node;
mod pki;
mod ports;
mod probes;
mod programs;
mod proxy;
mod pull_error;
mod real;
mod resources;
mod runner;
mod runtime;
mod runtime_client;
mod sandbox;
mod sandbox_rules;
mod subnets;
mod system;
mod table;
mod writable;

#[cfg(test)]
pub(crate) use fake::settings as test_settings;

use crate::finding;
pub use crate::finding::{Finding, Severity};
pub use check::{Check, LIMIT};
pub use checks::{Before, Beside, Checks};
pub use fix::{Applied, Hands, RealHands, fix};
pub use images::{
    IMAGE_PULL, Images, PullEvent, PullOptions, PullPolicy, findings as pull_findings,
    missing as missing_images, pull_all,
};
pub use machine::{Machine, PathKind, RuntimeFacts, Said};
pub use pull_error::PullError;
pub use real::RealMachine;
pub use runner::{Options, Report, ignore, run_checks};
pub use table::table;
