//! The folders of real programs that the user names.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::command::{self, find, is_program};
use crate::prepare::Programs;
use crate::runtime::Runtime;

/// What runs on the machine itself.
const ON_MACHINE: &[&str] = &["kubelet", "kubectl"];
/// What runs in containers.
const IN_IMAGES: &[&str] = &[
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "coredns",
    "pause",
];
/// The host's, with which machines are made.
const TOOLS: &[&str] = &["unshare", "ip", "mount"];

/// The programs.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    dir: PathBuf,
    runtime: Runtime,
    runtime_dir: Option<PathBuf>,
}

impl Binaries {
    /// Looks whether all are there.
    ///
    /// # Errors
    /// When some are missing: all of them by name.
    pub(crate) fn open(dir: &Path, programs: &Programs) -> anyhow::Result<Self> {
        let real =
            |dir: &Path| dir.canonicalize().with_context(|| format!("{} can't be used", dir.display()));
        let runtime_dir = programs.runtime_dir.as_deref().map(real).transpose()?;
        let binaries = Self { dir: real(dir)?, runtime: programs.runtime, runtime_dir };
        let in_dir = |name: &&&str| binaries.get(name).is_none();
        let on_machine = binaries.on_machine();
        let mut missing: Vec<&str> =
            on_machine.iter().filter(in_dir).filter(|n| find(n).is_none()).copied().collect();
        missing.extend(IN_IMAGES.iter().filter(in_dir));
        if !missing.is_empty() {
            bail!("{} has no {}", binaries.dir.display(), missing.join(", "));
        }
        let tools: Vec<&str> = TOOLS.iter().filter(|n| find(n).is_none()).copied().collect();
        if !tools.is_empty() {
            bail!("this machine has no {}", tools.join(", "));
        }
        Ok(binaries)
    }

    /// What runs on the machine itself.
    fn on_machine(&self) -> Vec<&'static str> {
        [ON_MACHINE, self.runtime.programs()].concat()
    }

    /// The program `name`, if a folder has it.
    pub(crate) fn get(&self, name: &str) -> Option<PathBuf> {
        let dirs = self.runtime_dir.iter().chain([&self.dir]);
        dirs.map(|dir| dir.join(name)).find(|file| is_program(file))
    }

    /// The programs that go onto the machine: all that the folder has.
    pub(crate) fn programs(&self) -> Vec<(String, PathBuf)> {
        let on_machine = self.on_machine();
        let others =
            ["kubeadm", "etcdctl", "etcdutl", "e2e_kubeadm", "e2e.test", "ginkgo", "agnhost", "busybox"];
        let names = on_machine.iter().chain(IN_IMAGES).chain(&others);
        names.filter_map(|name| Some(((*name).to_owned(), self.get(name)?))).collect()
    }

    /// kubelet's version, as `v1.36.2`: the cluster's.
    ///
    /// # Errors
    /// When kubelet does not tell.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let kubelet = self.get("kubelet").or_else(|| find("kubelet")).unwrap_or_default();
        let output = command::run(Command::new(kubelet).arg("--version"))?.success()?;
        let version = output.stdout.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        if !version.starts_with('v') {
            bail!("kubelet's version is not to be found in {:?}", output.stdout);
        }
        Ok(version)
    }
}
