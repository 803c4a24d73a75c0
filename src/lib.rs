//! kubestrap turns fresh machines into a Kubernetes control plane, the way kubeadm does, and better.
//!
//! Imports go one way: `cli` → `commands` → `workflows` → `phases` → domain modules, which know neither clap nor the
//! terminal.
//!
//! - `cli` turns flags into a request, and `commands` has one function for each command.
//! - `workflows` holds `init`, `reset` and the others: each one table of phases, with its order of running beside it.
//! - `workflow` is what they are made of: `Phase`, the runner, and `Run`, which the shared steps in `phases` work on.
//!
//! What `kubestrap init` does:
//! 1. `commands::configuration` reads a file or flags and asks the machine what nobody said; out of both come the
//!    `config::Settings`, from which everything is rendered.
//! 2. `preflight`: `preflight::run_checks` measures whether the machine can do it, before anything is written.
//! 3. `certs`, `kubeconfig`: what is missing is generated (`pki`, `kubeconfig`), what is right is kept.
//! 4. `etcd`, `control-plane`: `manifest::render` gives the static Pods, `patches` change them.
//! 5. `kubelet-start`: `kubelet`'s files, then kubelet itself: early, since it takes a while to come up.
//! 6. `wait-control-plane`: `health` watches until every component is healthy; `diagnose` tells why it does not happen.
//! 7. `upload-config` … `addon`: `cluster` and `addons` give objects, the `cluster::Cluster` seam applies them.
//! 8. `show-join-command`: `output::closing` says what comes next.
//!
//! A dry run is the same with other seams (`workflow::Seams`): `host::DryRunHost`, `cluster::Recorder`,
//! `health::DryWatch`.

use std::io::Write as _;

mod addons;
mod backup;
mod care;
mod certs;
mod cli;
mod cluster;
mod commands;
mod components;
mod config;
mod diagnose;
mod diff;
mod discovery;
mod error;
mod etcd;
mod exit_status;
mod finding;
mod health;
mod hex;
mod host;
mod images;
mod kubeconfig;
mod kubelet;
mod logging;
mod manifest;
mod node;
mod output;
mod patches;
mod phases;
mod pki;
mod preflight;
mod program;
mod quantity;
mod workflow;
mod workflows;
mod yaml;

/// What this package's tests and `e2e` use of the program; nothing else is to be seen from outside.
pub mod testing {
    pub use crate::cli::command;
    pub use crate::config::facts::CA_DIRS;
    pub use crate::config::token::split as split_token;
    pub use crate::diagnose::gather as gather_evidence;
    pub use crate::health::{LiveWatch, Stage, Target, Watch, Watched};
    pub use crate::host::{Lock, RealHost};
    pub use crate::kubeconfig::Kubeconfig;
    pub use crate::manifest::Component;
    pub use crate::pki::{Bundle, Certificate, KeyType, PrivateKey, table::CERTIFICATES, verify_chain};
    pub use crate::yaml::{parse_values, to_string};
}

/// Runs the command that the command line names, and ends the process with its exit code.
///
/// It ends without the handlers that libraries registered for the end: threads may still be making keys or talking TLS
/// then, and the crypto library's handler takes away what they work with, so that one run in a thousand was aborted.
pub fn main() -> ! {
    let status = cli::main();
    let _ = std::io::stdout().flush();
    signal_hook::low_level::exit(status.code().into())
}
