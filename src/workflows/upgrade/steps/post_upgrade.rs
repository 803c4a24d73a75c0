//! `post-upgrade`: what is left to do when everything else is done.

use super::super::Upgrade;
use super::super::journal::Journal;
use crate::workflow::{Outcome, PhaseResult};

/// Ends the upgrade: nothing is left to go on with or back to.
pub(in super::super) fn finish(upgrade: &mut Upgrade) -> PhaseResult {
    let run = &mut upgrade.run;
    if upgrade.journal.take().is_some() {
        Journal::forget(&run.settings.node.paths, &*run.host)?;
    }
    Ok(Outcome::Done)
}
