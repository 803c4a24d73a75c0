//! Replaces the data of this node's etcd by others, with the control plane stopped meanwhile; puts it all back where
//! the new data do not come up.

use crate::commands::init;
use crate::commands::this_machine;
use crate::commands::this_node::take_up;
use crate::config::Settings;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::Host;
use crate::node::LocalEtcd;
use crate::output::Printer;
use crate::phases::etcd_data::{self, InPlace, Source};
use crate::phases::{hold, wait_control_plane};
use crate::workflow::{DryRun, Folder, Run, Seams};

/// The area of its log lines.
pub(super) const AREA: &str = "etcd";

/// A replacement.
#[derive(Clone, Debug)]
pub(super) struct Replacement<'a> {
    /// This node's member.
    pub(super) member: &'a LocalEtcd,
    /// What the data are made from.
    pub(super) source: &'a Source,
    /// The source is a file that a running etcd may hold: it is stopped before.
    pub(super) stop_first: bool,
    /// The command that asks for it.
    pub(super) command: &'a str,
    /// Change nothing.
    pub(super) dry_run: bool,
}

impl Replacement<'_> {
    /// Does it; gives where the data that were there before are now.
    ///
    /// # Errors
    /// When the new data can't be made or do not come up; then those before are in place again.
    pub(super) fn run(&self, host: &dyn Host, out: &Printer) -> Result<InPlace, Error> {
        let settings = this_machine::settings(host, out)?;
        let _lock = match self.dry_run {
            true => None,
            false => Some(init::lock(&settings.node.paths, &[Folder::Manifests], self.command)?),
        };
        if !self.dry_run {
            take_up(host, AREA, out)?;
        }
        let mut run = begin(settings, self.dry_run, out)?;
        let stamp = stamp(&run);
        if self.stop_first {
            hold::stop_control_plane(&mut run)?;
        } else {
            // It ends containers that it did not start, such as that of etcdutl. The control plane runs on without it.
            hold::pods(&run).stop_kubelet()?;
        }
        let made = match etcd_data::make(&mut run, self.member, self.source, &stamp) {
            Ok(made) => made,
            Err(error) => {
                hold::start_kubelet(&mut run)?;
                return Err(error);
            }
        };
        if !self.stop_first
            && let Err(error) = hold::stop_control_plane(&mut run)
        {
            etcd_data::discard(&run, &made)?;
            hold::start_kubelet(&mut run)?;
            return Err(error);
        }
        let data = &self.member.data;
        let in_place = match etcd_data::put_in_place(&mut run, data, &made) {
            Ok(in_place) => in_place,
            Err(error) => {
                hold::start_kubelet(&mut run)?;
                return Err(error);
            }
        };
        let up = hold::start_kubelet(&mut run).and_then(|()| wait_control_plane::wait(&mut run).map(drop));
        match up {
            Ok(()) => Ok(in_place),
            Err(error) => Err(undo(&mut run, self.member, &in_place, error)),
        }
    }
}

/// A run with the seams of this machine, or dry ones.
fn begin(settings: Settings, dry_run: bool, out: &Printer) -> Result<Run, Error> {
    let seams = match dry_run {
        true => {
            let DryRun { seams, .. } = Seams::dry(&settings, None, 0)?;
            seams
        }
        false => Seams::real(&settings, None, 0)?,
    };
    let mut run = Run::new(settings, seams, out.clone(), false);
    run.set_area(AREA);
    Ok(run)
}

/// The time in a form for names of files.
fn stamp(run: &Run) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    run.started.format(format).unwrap_or_default()
}

/// Puts the old data back; the error then says what became of it.
fn undo(run: &mut Run, member: &LocalEtcd, in_place: &InPlace, error: Error) -> Error {
    let Some(before) = &in_place.before else { return error };
    run.warn("the control plane is not healthy with the restored data: putting the old data back");
    let undone = hold::stop_control_plane(run)
        .and_then(|()| etcd_data::put_back(run, &member.data, in_place))
        .and_then(|()| hold::start_kubelet(run))
        .and_then(|()| wait_control_plane::wait(run));
    let message = match undone {
        Ok(_) => format!(
            "{}\n  the old data are in place again, and the control plane is healthy with them",
            error.message
        ),
        Err(undoing) => format!(
            "{}\n  putting the old data back failed too: {}\n  fix: stop kubelet, move {} to {}, and start kubelet",
            error.message,
            undoing.message,
            before.display(),
            member.data.join("member").display()
        ),
    };
    error.with_status(ExitStatus::Unhealthy).with_message(message)
}
