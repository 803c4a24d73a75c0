//! The workflows: ordered tables of phases, and what runs them.
//!
//! [`init()`] is the table of `kubestrap init`; a phase's file is thin: it takes settings from the [`InitContext`],
//! has a domain module render, and hands the result to the host or the cluster.

mod addon;
mod attention;
mod bootstrap_token;
mod certs;
mod changes;
mod context;
mod control_plane;
mod init;
mod kubeconfig;
mod kubelet_finalize;
mod kubelet_start;
mod mark_control_plane;
mod node;
mod patched;
pub mod phase;
mod preflight;
mod pull;
pub mod reset;
pub mod runner;
mod show_join_command;
mod upload_certs;
mod upload_config;
mod wait_control_plane;
mod watched;
#[cfg(test)]
mod write_faults;

pub use changes::Changes;
pub use context::{InitContext, InitOptions, Seams};
pub use init::phases as init;
pub use phase::{Failure, Phase, PhaseError};
pub use preflight::await_removal;
pub use pull::{NoPull, Pull, RuntimePull};
pub use watched::watched;
