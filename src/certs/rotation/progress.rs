//! How far a rotation has come on this node: a file, so that a run after an interrupted one goes on from there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Generation, Staging};
use crate::host::{FileError, FileMode, Host};

/// A stage that a node has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// Everything on the node trusts both CAs.
    Trusted,
    /// Everything on the node is signed by the CA that takes over.
    Switched,
    /// The other CA is trusted no more.
    Finished,
}

impl Stage {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 3] = [Self::Trusted, Self::Switched, Self::Finished];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Switched => "switched",
            Self::Finished => "finished",
        }
    }

    /// The stage of a name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// How far a rotation has come on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    /// The SHA-256 fingerprint of the cluster CA that takes over.
    pub(crate) id: String,
    /// The old CAs take over again.
    pub(crate) rolled_back: bool,
    /// The stage that was reached.
    pub(crate) reached: Option<Stage>,
    /// The steps of the next stage that are done.
    pub(crate) done: Vec<String>,
}

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgressError {
    /// It can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not say what it should.
    #[error("{}: {source}\n  fix: restore it from a backup of that directory", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl Progress {
    fn path(staging: &Staging) -> PathBuf {
        staging.dir.join("progress.json")
    }

    /// That of the rotation that was begun on this node; none if none was.
    ///
    /// # Errors
    /// When its file can't be used.
    pub(crate) fn read(staging: &Staging, host: &dyn Host) -> Result<Option<Self>, ProgressError> {
        let path = Self::path(staging);
        let Some(text) = host.read(&path)? else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).map_err(|source| ProgressError::Content { path, source })
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When its file can't be written.
    pub(crate) fn keep(&self, staging: &Staging, host: &dyn Host) -> Result<(), ProgressError> {
        let path = Self::path(staging);
        let text = serde_json::to_vec(self)
            .map_err(|source| ProgressError::Content { path: path.clone(), source })?;
        host.write(&path, &text, FileMode::SECRET)?;
        Ok(())
    }

    /// Whether the other generation is being dropped.
    pub(crate) fn finish_begun(&self) -> bool {
        self.reached >= Some(Stage::Switched) && self.done.iter().any(|step| step == "files")
    }

    /// The generation that takes over.
    pub(crate) fn next(&self) -> Generation {
        if self.rolled_back { Generation::Old } else { Generation::New }
    }

    /// The generation that is dropped at the end.
    pub(crate) fn previous(&self) -> Generation {
        if self.rolled_back { Generation::New } else { Generation::Old }
    }
}
