//! What all machines of a run share: written by the keeper, read by the jobs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::machine::{Network, Request};

/// The plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The run's work folder.
    pub(crate) work: PathBuf,
    /// A copy of this program, which a build in the meantime does not change.
    pub(crate) harness: PathBuf,
    /// The programs on every machine's PATH: name and file. `kubestrap` is what is tested.
    pub programs: Vec<(String, PathBuf)>,
    /// The cluster's version.
    pub(crate) version: String,
    /// The images, by reference.
    pub(crate) references: Vec<String>,
    /// At how many moments of its course `init` is killed, where that is tried.
    pub(crate) kills: u16,
}

impl Plan {
    /// Writes it; its place is for the jobs.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn publish(&self) -> anyhow::Result<()> {
        let file = self.file();
        fs::write(&file, serde_json::to_vec(self)?)
            .with_context(|| format!("{} can't be written", file.display()))
    }

    fn file(&self) -> PathBuf {
        self.work.join("plan.json")
    }

    /// A machine in which `job` is done; `name` is that of its folders.
    pub fn request(&self, name: &str, job: &[&str]) -> Request {
        let mut words = vec![self.file().display().to_string()];
        words.extend(job.iter().map(|w| (*w).to_owned()));
        Request {
            dir: self.work.join("nodes").join(name),
            logs: self.work.join("logs").join(name),
            harness: self.harness.clone(),
            programs: self.programs.clone(),
            network: Network::alone(),
            again: false,
            job: words,
        }
    }

    /// # Errors
    /// When there is none.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Whether the machines have the program `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.programs.iter().any(|(n, _)| n == name)
    }

    /// The reference of the sandbox's image.
    pub(crate) fn pause(&self) -> &str {
        self.references
            .iter()
            .find(|r| r.contains("/pause:"))
            .map_or("registry.k8s.io/pause:3.10", String::as_str)
    }
}
