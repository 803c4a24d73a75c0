//! A machine of its own for one job: namespaces, a copy-on-write root, a network without a way out, cgroups that are
//! removed afterwards. Nothing of the host is changed, whatever runs inside and however it ends.
//!
//! One job goes through four processes:
//! 1. `cargo e2e`, which the user sees, starts the *keeper* (`keeper`): it does the work, and notices when
//!    the first one is gone, to stop and clean up.
//! 2. For each job the keeper makes folder and cgroups (`launch`) and starts `machine enter` in them, which becomes
//!    `unshare`.
//! 3. `machine boot` is process 1 in there (`boot`): it builds the root (`root`) and the network (`network`),
//!    starts the job and takes in orphans. When it ends, the kernel ends all that is left in the machine.
//! 4. `machine job NAME` does what it is for.
//!
//! A job can make further machines beside its own (`start`), and run programs in them (`machine exec`).

pub(crate) mod boot;
mod cgroup;
pub mod keeper;
mod launch;
mod network;
mod root;

pub(crate) use cgroup::is_v1;
pub use launch::{Finished, Request, WorkFolder, launch};
pub(crate) use launch::{Running, enter, exec, progress, start};
pub use network::Network;
pub(crate) use network::{NODE_NAME, has_ipv6};
pub(crate) use root::PROGRAMS;
