//! A node of the old version whose files are real, and a control plane that does not get healthy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::super::super::journal::{self, Journal};
use super::super::super::outlook::Outlook;
use super::super::super::survey::Survey;
use super::super::super::{Options, Upgrade};
use super::super::{control_plane, post_upgrade};
use crate::config::Settings;
use crate::error::Error;
use crate::health::{ComponentState, Snapshot, Stage, Watch, Watched};
use crate::host::{Host, RealHost};
use crate::manifest::Component;
use crate::node::fake::FakeNode;
use crate::phases::bootstrap_token::Tokens;
use crate::preflight::test_settings;
use crate::workflow::{Run, Selection};
use crate::workflows::init;

pub(super) const OLD: &str = "v1.35.6";

pub(super) const NEW: &str = "v1.36.2";

pub(super) const ETCD_FILE: &str = "etcd/member/snap/db";

/// A control plane that does not get healthy while it is first waited for, with the new version; or does, and its
/// probes fail.
#[derive(Default)]
pub(super) struct Unhealthy {
    pub(super) probes: bool,
    pub(super) waits: usize,
    pub(super) components: Vec<Component>,
}

impl Watch for Unhealthy {
    fn begin(&mut self, watched: &Watched) -> Result<(), String> {
        self.waits += 1;
        self.components = watched.targets.iter().map(|t| t.component).collect();
        Ok(())
    }

    fn snapshot(&mut self) -> Snapshot {
        let stage = if self.probes || self.waits > 1 { Stage::Healthy } else { Stage::Running };
        let state = || ComponentState { stage, ..ComponentState::default() };
        Snapshot {
            components: self.components.iter().map(|c| (*c, state())).collect(),
            ..Snapshot::default()
        }
    }

    fn doomed(&mut self) -> BTreeMap<Component, String> {
        let fails = self.probes && self.waits == 1;
        fails.then(|| (Component::ApiServer, "/nowhere: 404 not found".to_owned())).into_iter().collect()
    }
}

/// A node of the old version, and a copy of it as it was.
pub(super) struct Site(pub(super) TempDir);

const FOLDERS: [&str; 2] = ["kubernetes", "etcd"];

impl Site {
    pub(super) fn new() -> Self {
        // In memory, where fsync costs nothing.
        let memory = Path::new("/dev/shm");
        let site = Self(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap());
        let run = site.run(OLD, Arc::new(FakeNode::default()));
        let mut init = init::Init::new(run, Tokens::default(), "", init::Options::default());
        for phase in ["certs", "kubeconfig", "etcd", "control-plane"] {
            let only = Selection { only: Some(phase.into()), skip: vec![] };
            init::workflow().run(&only, &mut init).unwrap();
        }
        std::fs::create_dir_all(site.path(ETCD_FILE).parent().unwrap()).unwrap();
        std::fs::write(site.path(ETCD_FILE), "old data").unwrap();
        for folder in FOLDERS {
            RealHost::of_files().copy_all(&site.path(folder), &site.path("copy").join(folder)).unwrap();
        }
        site
    }

    /// As it was at first.
    pub(super) fn fresh_again(&self) {
        for folder in FOLDERS {
            std::fs::remove_dir_all(self.path(folder)).unwrap();
            RealHost::of_files().copy_all(&self.path("copy").join(folder), &self.path(folder)).unwrap();
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn settings(&self, version: &str) -> Settings {
        let config = format!("kubernetesVersion: {version}\nencryptionAlgorithm: ECDSA-P256\n");
        let mut settings = test_settings(&config);
        settings.node.paths.kubeconfig_dir = self.path("kubernetes");
        settings.node.paths.manifests = self.path("kubernetes/manifests");
        settings.node.paths.certificates = self.path("kubernetes/pki");
        settings.node.paths.kubelet = self.path("kubelet");
        settings.cluster.config.etcd.local.as_mut().unwrap().data_dir =
            self.path("etcd").display().to_string();
        settings.node.timeouts.upgrade_manifests = Duration::from_millis(200);
        settings
    }

    pub(super) fn run(&self, version: &str, node: Arc<FakeNode>) -> Run {
        node.run(&self.settings(version))
    }

    /// An upgrade of it; it takes up what an earlier one left.
    pub(super) fn upgrade(&self, node: &Arc<FakeNode>) -> Upgrade {
        let run = self.run(NEW, Arc::clone(node));
        let journal = Journal::read(&run.settings.node.paths, &RealHost::of_files()).unwrap();
        Upgrade {
            run,
            options: Options {
                etcd_upgrade: true,
                certificate_renewal: true,
                force: false,
                allow_experimental: false,
                allow_candidates: false,
                ask: false,
            },
            current: OLD.parse().unwrap(),
            survey: Survey::default(),
            control_plane: true,
            outlook: Outlook::default(),
            journal,
            stored_text: String::new(),
            probe: None,
        }
    }

    /// Replaces the control plane to the end; tells whether it changed anything.
    pub(super) fn apply(&self, node: &Arc<FakeNode>) -> Result<bool, Error> {
        let mut upgrade = self.upgrade(node);
        control_plane::upgrade(&mut upgrade)?;
        post_upgrade::finish(&mut upgrade)?;
        Ok(!upgrade.run.changes.is_empty())
    }

    /// The manifests, certificates and kubeconfigs.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path("kubernetes")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true if path.ends_with("tmp") => {}
                    true => folders.push(path),
                    false => drop(found.insert(path.clone(), std::fs::read(path).unwrap())),
                }
            }
        }
        found
    }

    pub(super) fn images(&self) -> Vec<String> {
        let text =
            |c: Component| std::fs::read_to_string(self.path("kubernetes/manifests").join(c.file())).unwrap();
        let image = |text: &str| {
            let line = text.lines().find(|line| line.contains("image: ")).unwrap_or_default();
            line.rsplit_once(':').map(|(_, tag)| tag.trim_matches('"').to_owned()).unwrap_or_default()
        };
        Component::ALL.into_iter().map(|c| image(&text(c))).collect()
    }

    pub(super) fn etcd_data(&self) -> String {
        std::fs::read_to_string(self.path(ETCD_FILE)).unwrap()
    }

    pub(super) fn has_journal(&self) -> bool {
        journal::path(&self.settings(NEW).node.paths).exists()
    }
}

pub(super) fn node(killed_at: usize) -> Arc<FakeNode> {
    Arc::new(FakeNode { killed_at, ..FakeNode::default() })
}
