//! The workflow of `reset`: takes away what init or join left, and nothing else.

mod cleanup;
mod context;
mod etcd;

use super::phase::{Failure, Outcome, Phase, PhaseError};

pub use context::{NoPods, Pods, ResetContext, RuntimePods};

/// The table, in kubeadm's order.
pub fn phases() -> Vec<Phase<ResetContext>> {
    vec![
        Phase::new("preflight", "Check that this may be done, and ask", |c: &mut ResetContext| {
            if !c.dry_run && !rustix::process::geteuid().is_root() {
                return Err(PhaseError::new(
                    Failure::Preflight,
                    "[ERROR IsPrivilegedUser]: not root\n  fix: run it with `sudo`",
                ));
            }
            if c.confirmed {
                Ok(Outcome::Done)
            } else {
                Err(PhaseError::new(Failure::Failed, "not confirmed; nothing was changed"))
            }
        })
        .alias(&["pre-flight"]),
        Phase::new("remove-etcd-member", "Look after the membership of a local etcd", etcd::run),
        Phase::new(
            "cleanup-node",
            "Stop kubelet and its Pods, and remove what init and join wrote",
            cleanup::run,
        )
        .alias(&["cleanupnode"]),
    ]
}
