//! The workflow of `reset`: reverts what `init` and `join` did to this machine, and nothing else.

mod cleanup;
mod etcd;
mod removal;

use std::path::PathBuf;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::UnmountFlags;
use crate::phases::preflight;
use crate::workflow::{Outcome, Phase, Run, Workflow};

/// The id of the phase that asks whether to proceed.
pub(crate) const PREFLIGHT: &str = "preflight";
/// The id of the phase that stops kubelet and its Pods, etcd among them.
pub(crate) const CLEANUP: &str = "cleanup-node";

/// What reset's phases work on.
pub(crate) struct Reset {
    /// What the shared phases work on.
    pub(crate) run: Run,
    /// What of the command line the phases need.
    pub(crate) options: Options,
    /// etcd's data, which its member leaves to be removed once etcd has stopped.
    etcd_data: Option<PathBuf>,
}

/// What of the command line reset's phases need.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The user has confirmed, or need not be asked.
    pub(crate) confirmed: bool,
    /// Empty /etc/kubernetes/tmp too.
    pub(crate) cleanup_tmp_dir: bool,
    /// This run stops etcd once its member is removed; else its data are removed at once, as by kubeadm.
    pub(crate) stops_etcd: bool,
    /// How busy mounts are unmounted.
    pub(crate) unmount_flags: UnmountFlags,
}

impl AsMut<Run> for Reset {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

impl Reset {
    /// The state at the beginning. The run's settings name the certificates' folder to empty.
    pub(crate) fn new(run: Run, options: Options) -> Self {
        Self { run, options, etcd_data: None }
    }
}

/// The table, in kubeadm's order.
pub(crate) fn workflow() -> Workflow<Reset> {
    let phases = vec![
        Phase::new(PREFLIGHT, "Run reset pre-flight checks", |reset: &mut Reset| {
            preflight::check_privileged(&reset.run)?;
            if reset.options.confirmed {
                Ok(Outcome::Done)
            } else {
                Err(Error::new(ExitStatus::Failed, "aborted reset operation; nothing was changed"))
            }
        })
        .alias(&["pre-flight"]),
        Phase::new("remove-etcd-member", "Remove a local etcd member", etcd::remove),
        Phase::new(CLEANUP, "Clean up this node", cleanup::run).alias(&["cleanupnode"]),
    ];
    Workflow { name: "reset", phases, moved: &[] }
}
