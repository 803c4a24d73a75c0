//! `bootstrap-token`: what bootstrap tokens may do, as the new version has it.

use super::super::Upgrade;
use crate::cluster::bootstrap_token;
use crate::workflow::{Outcome, PhaseResult, Verb};

/// Stores the RBAC rules of bootstrap tokens and of `cluster-info`; tokens themselves stay.
pub(in super::super) fn store_rights(upgrade: &mut Upgrade) -> PhaseResult {
    let run = &mut upgrade.run;
    run.act(Verb::Store, "the RBAC rules of bootstrap tokens and cluster-info");
    run.apply(bootstrap_token::rights(&run.settings)?)?;
    Ok(Outcome::Done)
}
