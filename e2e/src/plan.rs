//! What all machines of a run share: written by the keeper, read by the jobs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::machine::{Network, Request};
use crate::runtime::Runtime;

/// The plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The run's work folder.
    pub(crate) work: PathBuf,
    /// A copy of this program, which a build in the meantime does not change.
    pub(crate) harness: PathBuf,
    /// The programs on every machine's PATH: name and file. `kubestrap` is what is tested.
    pub programs: Vec<(String, PathBuf)>,
    /// CNI plugins: name and file. None where Pods have no network.
    pub(crate) cni: Vec<(String, PathBuf)>,
    /// The machines' container runtime.
    pub(crate) runtime: Runtime,
    /// The cluster's version.
    pub(crate) version: String,
    /// The images, by reference.
    pub(crate) references: Vec<String>,
    /// Releases to upgrade from.
    pub(crate) older: Vec<Older>,
    /// At how many moments of its course `init` is killed, where that is tried.
    pub(crate) kills: u16,
}

/// A release of an earlier minor: its images are on every machine too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Older {
    /// Its programs: name and file.
    pub(crate) programs: Vec<(String, PathBuf)>,
    /// Its version.
    pub(crate) version: String,
    /// Its images, by reference.
    pub(crate) references: Vec<String>,
}

/// The file of the program `name`, if it is one of these.
pub(crate) fn program<'p>(programs: &'p [(String, PathBuf)], name: &str) -> Option<&'p Path> {
    programs.iter().find(|(n, _)| n == name).map(|(_, file)| file.as_path())
}

impl Plan {
    /// The cluster's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The release so many minors older than the programs, if the user has it.
    pub(crate) fn older_by(&self, minors: u32) -> Option<&Older> {
        let minor = |version: &str| version.split('.').nth(1)?.parse::<u32>().ok();
        self.older.iter().find(|release| minor(&release.version).map(|m| m + minors) == minor(&self.version))
    }

    /// All images: the reference, and the programs of its release. One of both releases is the newer's.
    pub(crate) fn images(&self) -> Vec<(&str, &[(String, PathBuf)])> {
        let newest = (&self.references, &self.programs);
        let releases = std::iter::once(newest).chain(self.older.iter().map(|o| (&o.references, &o.programs)));
        let mut found: Vec<(&str, &[(String, PathBuf)])> = vec![];
        for (references, programs) in releases {
            for reference in references {
                if !found.iter().any(|(known, _)| known == reference) {
                    found.push((reference, programs));
                }
            }
        }
        found
    }

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

    /// That of a machine where `harness` lies in the folder `work`, and everything else is installed.
    pub(crate) fn installed(work: &Path, harness: &Path, version: &str) -> Self {
        Self {
            work: work.to_owned(),
            harness: harness.to_owned(),
            programs: vec![],
            cni: vec![],
            runtime: Runtime::default(),
            version: version.to_owned(),
            references: vec![],
            older: vec![],
            kills: 0,
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
        program(&self.programs, name).is_some()
    }

    /// The reference of the sandbox's image.
    pub(crate) fn pause(&self) -> &str {
        self.references
            .iter()
            .find(|r| r.contains("/pause:"))
            .map_or("registry.k8s.io/pause:3.10", String::as_str)
    }
}
