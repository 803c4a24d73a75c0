//! A machine that answers what a test says; the default is one on which every check is content.

mod healthy;
mod seams;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use super::check::Check;
use super::outcome::Outcome;
use super::subject::Subject;
use super::table::table;
use crate::config::Overrides;
use crate::config::{HostFacts, Settings, load};
use crate::finding::{Finding, Severity};
use crate::host::ServiceState;
use crate::host::cri::{CriCause, CriError, ImageInfo};
use crate::host::disk::Disk;
use crate::host::machine::{RuntimeFacts, Said};
use crate::host::net::{InterfaceAddress, Listener};
use crate::host::process::Process;
use crate::host::system::{Cgroups, KernelConfig, SwapArea};

#[derive(Clone)]
pub(crate) struct FakeMachine {
    pub(super) root: bool,
    pub(super) cpus: usize,
    pub(super) memory: u64,
    pub(super) swaps: Vec<SwapArea>,
    pub(super) kernel_release: String,
    pub(super) kernel_config: Option<KernelConfig>,
    pub(super) cgroups: Cgroups,
    pub(super) addresses: Vec<InterfaceAddress>,
    pub(super) listeners: Vec<Listener>,
    pub(super) processes: Vec<Process>,
    pub(super) resolves: Result<Vec<IpAddr>, String>,
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) dirs: BTreeMap<PathBuf, Vec<String>>,
    /// Paths that exist and can't be read.
    pub(super) unreadable: BTreeMap<PathBuf, io::ErrorKind>,
    pub(super) links: BTreeMap<PathBuf, PathBuf>,
    pub(super) disks: BTreeMap<PathBuf, Disk>,
    pub(super) write_errors: BTreeMap<PathBuf, io::ErrorKind>,
    pub(super) programs: Vec<String>,
    pub(super) says: BTreeMap<String, Said>,
    pub(super) init_system: Option<&'static str>,
    pub(super) services: BTreeMap<String, ServiceState>,
    pub(super) logs: BTreeMap<String, Vec<String>>,
    pub(super) runtime: Result<RuntimeFacts, CriError>,
    pub(super) sandbox: BTreeMap<String, CriError>,
    pub(super) pull: Result<(), CriError>,
    pub(super) etcd: Result<String, String>,
}

impl FakeMachine {
    /// The healthy machine with one thing changed.
    pub(super) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut machine = Self::healthy();
        change(&mut machine);
        machine
    }

    pub(crate) fn file(&mut self, path: &str, content: impl AsRef<[u8]>) {
        self.files.insert(path.into(), content.as_ref().to_vec());
    }

    /// What the check `name` of an init finds here.
    pub(super) fn check(&self, name: &str, settings: &Settings) -> Vec<Finding> {
        self.outcome(name, &Subject::init(settings)).findings
    }

    /// What comes of the check `name`: of all rows of that name.
    pub(super) fn outcome(&self, name: &str, subject: &Subject) -> Outcome {
        let mut rows: Vec<Check> = table(subject);
        rows.retain(|c| c.name == name);
        assert!(!rows.is_empty(), "no row {name}");
        let mut all = Outcome::default();
        for row in rows {
            let Outcome { findings, unmeasured } = row.run(subject, self);
            all.findings.extend(findings);
            all.unmeasured.extend(unmeasured);
        }
        all
    }

    /// The one finding of the row `name`.
    pub(super) fn finding(&self, name: &str, settings: &Settings) -> Finding {
        let mut found = self.check(name, settings);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }
}

/// Settings from the text of a configuration: `cp-1` at 192.0.2.10, Kubernetes 1.36.2 where it says nothing else.
pub(crate) fn settings(config: &str) -> Settings {
    let facts = HostFacts { hostname: "cp-1".into(), ..HostFacts::default() };
    settings_on(config, facts)
}

pub(super) fn settings_on(config: &str, facts: HostFacts) -> Settings {
    let mut facts = facts;
    facts.default_addresses = vec!["192.0.2.10".parse().unwrap()];
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    let version = if config.contains("kubernetesVersion") { "" } else { "kubernetesVersion: v1.36.2\n" };
    let text = match config.split_once("---\n") {
        Some((head, rest)) => format!("{cluster}{version}{head}---\n{rest}"),
        None => format!("{cluster}{version}{config}"),
    };
    let loaded = load("test", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    Settings::resolve(loaded, facts, &Overrides::default()).unwrap_or_else(|e| panic!("{e}")).settings
}

pub(super) fn image(name: &str, pinned: bool) -> ImageInfo {
    ImageInfo { id: name.into(), repo_tags: vec![name.into()], repo_digests: vec![], size: 1, pinned }
}

pub(crate) fn cri_error(call: &'static str, cause: CriCause) -> CriError {
    CriError { endpoint: "unix:///run/containerd/containerd.sock".parse().unwrap(), call, cause }
}

pub(super) fn process(pid: u32, command: &str) -> Process {
    let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let name = command[0].rsplit('/').next().unwrap().to_owned();
    Process { pid, name, command, unit: None, on_host: true }
}

/// The severities of findings.
pub(super) fn severities(findings: &[Finding]) -> Vec<Severity> {
    findings.iter().map(|f| f.severity).collect()
}
