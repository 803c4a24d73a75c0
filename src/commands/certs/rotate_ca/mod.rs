//! `certs rotate-ca`: new CAs take over from the old ones.

mod context;
mod status;
mod words;

use serde_json::json;

use crate::certs::rotation::{Progress, Stage};
use crate::commands::dry_run;
use crate::commands::this_machine::require_root;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::Printer;
use crate::workflow::{Run, Selection};
use crate::workflows::rotate_ca::{self, Rotation, announcements, missing};
use context::{AREA, Begun, begin};

pub(crate) use status::status;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Begin, or go on, as far as the old CAs are still trusted.
    Go,
    /// Drop the old CAs.
    Finish {
        /// Although clients are left that this breaks.
        force: bool,
    },
    /// Go back to the old CAs.
    RollBack,
}

/// Takes this node as far as it can go.
///
/// # Errors
/// When it can't be rotated, or a component does not become healthy.
pub(crate) fn run(action: Action, dry_run: bool, out: &Printer) -> Result<ExitStatus, Error> {
    if !dry_run {
        require_root(&RealHost::new())?;
    }
    let force = action == Action::Finish { force: true };
    let Begun { mut rotation, dry, lock: _lock } = match begin(dry_run, force, out)? {
        context::Node::Worker(mut run) => return worker(&mut run, dry_run, out),
        context::Node::ControlPlane(begun) => *begun,
    };
    let result = match action {
        Action::Go => go(&mut rotation, out),
        Action::Finish { .. } => finish(&mut rotation, out),
        Action::RollBack => roll_back(&mut rotation, out),
    };
    if let (Ok(_), Some(dry)) = (&result, &dry) {
        dry_run::report(&dry.host, &dry.recorder.objects(), out)?;
    }
    result
}

/// Runs the table of a stage.
fn stage(rotation: &mut Rotation, stage: Stage) -> Result<(), Error> {
    rotate_ca::workflow(stage).run(&Selection::default(), rotation).map(drop)
}

/// The control-plane nodes but this one that have not reached a stage.
fn behind(rotation: &mut Rotation, stage: Stage) -> Result<Vec<String>, Error> {
    let all = announcements(&mut *rotation.run.cluster)?;
    let mut names = missing(&all, &rotation.progress.id, stage);
    names.retain(|name| name != rotation.run.settings.node_name());
    Ok(names)
}

fn go(rotation: &mut Rotation, out: &Printer) -> Result<ExitStatus, Error> {
    if rotation.progress.reached == Some(Stage::Finished) {
        rotate_ca::clear(rotation)?;
        return Ok(tell(rotation, &[], "The rotation is finished on this node.\n", out));
    }
    if rotation.progress.reached.is_none() {
        stage(rotation, Stage::Trusted)?;
    }
    if rotation.progress.reached == Some(Stage::Trusted) {
        let behind = behind(rotation, Stage::Trusted)?;
        if !behind.is_empty() {
            let text = words::waiting(&behind, "trust both CAs");
            return Ok(tell(rotation, &behind, &text, out));
        }
        stage(rotation, Stage::Switched)?;
        if self::behind(rotation, Stage::Switched)?.is_empty() {
            rotation.run.set_area(AREA);
            rotate_ca::restart_addons(rotation)?;
        }
    }
    let behind = behind(rotation, Stage::Switched)?;
    let text = match behind.is_empty() {
        false => words::waiting(&behind, "are signed by the new CA"),
        true => words::switched(&rotation.progress),
    };
    Ok(tell(rotation, &behind, &text, out))
}

fn finish(rotation: &mut Rotation, out: &Printer) -> Result<ExitStatus, Error> {
    let refused = |message: &str| Err(Error::new(ExitStatus::Usage, message));
    match rotation.progress.reached {
        Some(Stage::Switched) => stage(rotation, Stage::Finished)?,
        Some(Stage::Finished) => {}
        Some(Stage::Trusted) | None if rotation.progress.id.is_empty() => {
            return refused(
                "there is no rotation of the CAs to finish on this node\n  fix: `kubestrap certs rotate-ca` begins one",
            );
        }
        Some(Stage::Trusted) | None => {
            return refused(
                "this node has not switched to the new CA yet\n  fix: run `kubestrap certs rotate-ca`",
            );
        }
    }
    let behind = behind(rotation, Stage::Finished)?;
    rotate_ca::clear(rotation)?;
    let text = words::finished(&rotation.progress, &behind);
    Ok(tell(rotation, &behind, &text, out))
}

fn roll_back(rotation: &mut Rotation, out: &Printer) -> Result<ExitStatus, Error> {
    let id = rotation.progress.id.clone();
    let refused = |message: String| Err(Error::new(ExitStatus::Usage, message));
    if id.is_empty() {
        return refused("there is no rotation of the CAs to go back from on this node\n  fix: `kubestrap certs rotate-ca status` shows how far each node is".into());
    }
    if rotation.progress.rolled_back {
        return go(rotation, out);
    }
    let all = announcements(&mut *rotation.run.cluster)?;
    let finished = all.iter().find(|a| a.reached(&id, Stage::Finished).is_some()).map(|a| a.node.clone());
    let own = rotation.progress.finish_begun().then(|| rotation.run.settings.node_name().to_owned());
    if let Some(node) = finished.or(own) {
        return refused(format!(
            "the old CAs are dropped on {node} already, so there is no way back\n  fix: go on with `kubestrap certs rotate-ca finish`; to replace the new CAs, rotate again"
        ));
    }
    rotate_ca::turn_back(rotation)?;
    go(rotation, out)
}

fn worker(run: &mut Run, dry_run: bool, out: &Printer) -> Result<ExitStatus, Error> {
    run.set_area(AREA);
    let synced = rotate_ca::sync(run)?;
    out.result(
        json!({ "ok": true, "dryRun": dry_run, "changed": synced.changed, "finished": !synced.lasting }),
        &if dry_run { String::new() } else { words::worker(&synced) },
    );
    Ok(ExitStatus::Done)
}

/// The result: for machines, and for people.
fn tell(rotation: &Rotation, behind: &[String], text: &str, out: &Printer) -> ExitStatus {
    let Progress { id, rolled_back, reached, .. } = &rotation.progress;
    let dry_run = !rotation.run.watch.waits();
    out.count_warnings(AREA);
    out.result(
        json!({ "ok": true, "dryRun": dry_run, "id": id, "rolledBack": rolled_back, "reached": reached, "waitingFor": behind }),
        if dry_run { "" } else { text },
    );
    ExitStatus::Done
}
