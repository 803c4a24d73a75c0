//! What every workflow is made of: [`Phase`]s in a table, the [`Workflow`] that runs them, and the [`Run`] that they
//! work on.

mod changes;
mod patched;
mod patches;
mod phase;
mod run;
mod runner;
mod seams;
mod select;
mod selection;
mod words;
mod write;

pub(crate) use changes::Changes;
pub(crate) use patched::{apply_pod_patches, apply_typed_patches, apply_value_patches, patched_pod};
pub(crate) use phase::{Folder, Outcome, Phase, PhaseResult};
pub(crate) use run::Run;
pub(crate) use runner::{Ran, Workflow};
pub(crate) use seams::{DryRun, Seams, machine};
pub(crate) use selection::{Selection, is_within};
pub(crate) use words::Verb;
