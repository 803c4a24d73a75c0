//! The workflow of `reset`: reverts what `init` and `join` did to this machine, and nothing else.

mod cleanup;
mod etcd;

use std::path::PathBuf;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::UnmountFlags;
use crate::workflow::{Outcome, Phase, Run, Workflow};

/// What reset's phases work on.
pub(crate) struct Reset {
    /// What the shared phases work on.
    pub(crate) run: Run,
    /// What of the command line the phases need.
    pub(crate) options: Options,
}

/// What of the command line reset's phases need.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The user has confirmed, or need not be asked.
    pub(crate) confirmed: bool,
    /// The certificates' folder to empty: given by the user, or kubeadm's default.
    pub(crate) certificates: PathBuf,
    /// Empty /etc/kubernetes/tmp too.
    pub(crate) cleanup_tmp_dir: bool,
    /// How busy mounts are unmounted.
    pub(crate) unmount_flags: UnmountFlags,
}

impl AsMut<Run> for Reset {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

/// The table, in kubeadm's order.
pub(crate) fn workflow() -> Workflow<Reset> {
    let phases = vec![
        Phase::new("preflight", "Run reset pre-flight checks", |reset: &mut Reset| {
            if !reset.run.host.is_privileged() {
                let message =
                    "[ERROR IsPrivilegedUser]: user is not running as root\n  fix: run it with `sudo`";
                return Err(Error::new(ExitStatus::Preflight, message));
            }
            if reset.options.confirmed {
                Ok(Outcome::Done)
            } else {
                Err(Error::new(ExitStatus::Failed, "aborted reset operation; nothing was changed"))
            }
        })
        .alias(&["pre-flight"]),
        Phase::new("remove-etcd-member", "Remove a local etcd member", etcd::remove_member),
        Phase::new("cleanup-node", "Clean up this node", cleanup::run).alias(&["cleanupnode"]),
    ];
    Workflow { name: "reset", phases, moved: &[] }
}
