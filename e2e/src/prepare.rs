//! Before the first machine: kubestrap is built, programs and images are made ready.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::binaries::Binaries;
use crate::machine::{self, WorkFolder};
use crate::plan::{Older, Plan, program};
use crate::runtime::Runtime;
use crate::{command, images, pod_network, say, systemd, test_images};

/// Which programs are run.
#[derive(Args, Clone, Debug)]
pub struct Programs {
    /// Folder of the real Kubernetes programs
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
    /// The machines' container runtime
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: Runtime,
    /// Folder of its programs, before --bin-dir and PATH
    #[arg(long, value_name = "DIR")]
    pub(crate) runtime_dir: Option<PathBuf>,
    /// Folder with OpenRC's packages unpacked, for the scenario of it
    #[arg(long, value_name = "DIR")]
    pub(crate) openrc_dir: Option<PathBuf>,
    /// Folder of the CNI plugins bridge, host-local, loopback and, if you like, portmap: with them Pods have a network, and Nodes become Ready
    #[arg(long, value_name = "DIR")]
    pub(crate) cni_dir: Option<PathBuf>,
    /// Folder of the programs of an earlier minor, to upgrade from; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) older_bin_dir: Vec<PathBuf>,
    /// Run this program's `init` instead of kubestrap's: to try the harness itself
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) init_binary: Option<PathBuf>,
    /// Build kubestrap without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
    /// Folder for images, machines and logs [default: target/e2e]
    #[arg(long, value_name = "DIR")]
    pub(crate) work_dir: Option<PathBuf>,
}

impl Programs {
    /// Whether there is something to upgrade from.
    pub fn has_older(&self) -> bool {
        !self.older_bin_dir.is_empty()
    }

    /// The program under test, built if it is ours.
    ///
    /// # Errors
    /// When it can't be built, or is not there.
    pub fn under_test(&self) -> anyhow::Result<PathBuf> {
        if let Some(file) = &self.init_binary {
            return file.canonicalize().with_context(|| format!("{} can't be used", file.display()));
        }
        crate::build::kubestrap(if self.debug { "dev" } else { "release" })
    }
}

/// Makes all ready for machines to be made. The work folder is ours as long as the second value lives.
///
/// # Errors
/// When something is missing.
pub fn prepare(programs: &Programs) -> anyhow::Result<(Plan, WorkFolder)> {
    let Some(bin_dir) = &programs.bin_dir else { bail!("--bin-dir is needed") };
    if !rustix::process::geteuid().is_root() {
        bail!("machines can be made by root only");
    }
    let binaries = Binaries::open(bin_dir, programs)?;
    let under_test = programs.under_test()?;
    let work = WorkFolder::open(&programs.work_dir.clone().unwrap_or_else(default_work_dir))?;
    // Copies, so that a build in the meantime changes nothing.
    let own = work.path.join("bin");
    fs::create_dir_all(&own)?;
    let keep = |source: &Path, name: &str| -> anyhow::Result<PathBuf> {
        let copy = own.join(name);
        let _ = fs::remove_file(&copy);
        fs::copy(source, &copy).with_context(|| format!("{} can't be copied", source.display()))?;
        Ok(copy)
    };
    let harness = keep(&std::env::current_exe()?, "e2e")?;
    let mut list = binaries.programs();
    list.push(("kubestrap".to_owned(), keep(&under_test, "kubestrap")?));
    list.extend(systemd::PROGRAMS.iter().map(|name| ((*name).to_owned(), harness.clone())));
    if let Some(dir) = &programs.openrc_dir {
        let openrc = dir.join("sbin/openrc").canonicalize();
        list.push(("openrc".to_owned(), openrc.with_context(|| format!("{} has no OpenRC", dir.display()))?));
    }
    let version = binaries.version()?;
    let mut references = references(&list, &version)?;
    references.extend(test_images::references(&list)?);
    references.sort();
    references.dedup();
    let cni = programs.cni_dir.as_deref().map(pod_network::plugins).transpose()?.unwrap_or_default();
    let older = programs
        .older_bin_dir
        .iter()
        .map(|dir| older(dir, programs, &list))
        .collect::<anyhow::Result<_>>()?;
    let work_dir = work.path.clone();
    let plan = Plan {
        work: work_dir,
        harness,
        programs: list,
        cni,
        runtime: programs.runtime,
        version,
        references,
        older,
        kills: 0,
    };
    plan.publish()?;
    images::prepare(&plan)?;
    machine::keeper::still_wanted()?;
    Ok((plan, work))
}

/// The release in `dir`, whose images the program under test of `list` names.
fn older(dir: &Path, programs: &Programs, list: &[(String, PathBuf)]) -> anyhow::Result<Older> {
    let binaries = Binaries::open(dir, programs)?;
    let version = binaries.version()?;
    let under_test: Vec<_> = list.iter().filter(|(name, _)| name == "kubestrap").cloned().collect();
    let references = references(&under_test, &version)?;
    Ok(Older { programs: binaries.programs(), version, references })
}

/// The images' references: those that the program under test wants, and kubeadm's, if it is there to be compared with.
fn references(programs: &[(String, PathBuf)], version: &str) -> anyhow::Result<Vec<String>> {
    let mut found = vec![];
    let mut problems = vec![];
    for name in ["kubestrap", "kubeadm"] {
        let Some(file) = program(programs, name) else { continue };
        let args = ["config", "images", "list", "--kubernetes-version", version];
        let output = command::run(Command::new(file).args(args))?;
        if output.code == Some(0) {
            found.extend(output.stdout.split_whitespace().map(str::to_owned));
        } else {
            problems.push(format!("{name}: {}", output.failure()));
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        bail!("nobody tells which images a cluster needs:\n{}", problems.join("\n"));
    }
    for problem in problems {
        say::note(format_args!("warning: {problem}"));
    }
    Ok(found)
}

/// Where runs keep their things, unless told otherwise.
fn default_work_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/e2e")
}
