//! How far a restore has come: a file, so that a run after an interrupted one goes on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::workflow::Run;

/// How far a restore has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    /// The id of the archive.
    pub(super) archive: String,
    /// etcd's data are in place.
    pub(super) etcd_data: bool,
}

impl Progress {
    /// Where it is kept.
    pub(super) fn path(run: &Run) -> PathBuf {
        run.settings.node.paths.kubeconfig("kubestrap-restore.json")
    }

    /// That of an interrupted run; none if there was none.
    ///
    /// # Errors
    /// When its file can't be read.
    pub(super) fn read(run: &Run) -> Result<Option<Self>, Error> {
        let path = Self::path(run);
        let Some(text) = run.host.read(&path)? else { return Ok(None) };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|e| Error::new(ExitStatus::Failed, format!("{}: {e}\n  fix: remove it", path.display())))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When its file can't be written.
    pub(super) fn keep(&self, run: &Run) -> Result<(), Error> {
        let text = serde_json::to_vec(self)?;
        run.host.write(&Self::path(run), &text, FileMode::SECRET)?;
        Ok(())
    }

    /// Forgets it: all is done.
    ///
    /// # Errors
    /// When its file can't be removed.
    pub(super) fn forget(run: &Run) -> Result<(), Error> {
        Ok(run.host.remove(&Self::path(run))?)
    }
}
