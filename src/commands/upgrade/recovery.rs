//! What an interrupted upgrade left: going on from it, or back.

use crate::cluster::Recorder;
use crate::cluster::stored::Stored;
use crate::commands::configuration::unusable;
use crate::commands::this_node::{ThisNode, Wishes, start_kubelet};
use crate::config::{self, KubernetesVersion};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::Printer;
use crate::workflow::{Run, Seams};
use crate::workflows::upgrade::journal::Journal;
use crate::workflows::upgrade::steps::undo::undo;

use super::context::AREA;

/// Tells which way is taken. Going on needs kubelet.
pub(super) fn prepare(journal: &Journal, target: Option<&KubernetesVersion>, out: &Printer) {
    // A changed configuration of the same version has no way back but to fail.
    let back = journal.from != journal.to && target.is_some_and(|target| target.to_string() == journal.from);
    let way = if back { "going back" } else { "going on" };
    out.log(
        AREA,
        format!(
            "An upgrade from {} to {} was interrupted on this node; {way} from there",
            journal.from, journal.to
        ),
    );
    if !back {
        start_kubelet(&RealHost::new(), AREA, out);
    }
}

/// Puts this node back to what it was before the interrupted upgrade; the cluster need not answer.
///
/// # Errors
/// When something can't be put back, or the old control plane does not become healthy.
pub(super) fn go_back(journal: &Journal, wishes: &Wishes, out: &Printer) -> Result<(), Error> {
    let mut stored = Stored { text: journal.cluster_configuration.clone(), ..Stored::default() };
    stored.loaded = config::load("the ClusterConfiguration before the upgrade", &stored.text)
        .map_err(|e| unusable(&e))?;
    stored.loaded.stored = true;
    let version: KubernetesVersion =
        journal.from.parse().map_err(|e| Error::new(ExitStatus::Failed, format!("{e}")))?;
    let node = ThisNode::find(&RealHost::new(), &mut Recorder::default())?;
    let settings = node.settings(&stored, &version, wishes, &out.quiet())?.settings;
    let seams = Seams::real(&settings, None, 0)?;
    let mut run = Run::new(settings, seams, out.clone(), false);
    run.set_area(AREA);
    if let Some(lost) = undo(&mut run, journal)? {
        run.warn(lost);
    }
    Ok(())
}

/// The error of a cluster that can't be read while an upgrade is half done: the node goes back, so that it can.
pub(super) fn after(journal: &Journal, error: Error, wishes: &Wishes, out: &Printer) -> Error {
    out.warn(AREA, format!("the cluster can't be read: {error}; putting this node back to {}", journal.from));
    match go_back(journal, wishes, out) {
        Ok(()) => {
            let message = format!(
                "the interrupted upgrade to {} could not be completed: {}\n  this node is back at {}, and healthy\n  fix the cause and run the same command again",
                journal.to, error.message, journal.from
            );
            error.with_message(message)
        }
        Err(undoing) => {
            let message = format!(
                "{}\n  putting this node back to {} failed too: {}\n  fix: the old manifests and certificates are in {}",
                error.message,
                journal.from,
                undoing.message,
                journal.backup.display()
            );
            error.with_message(message)
        }
    }
}
