//! From the outside: makes a machine, runs a job in it, and takes all of it away again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::cgroup::{self, Cgroups};
use super::keeper::Watched;
use super::network::Network;
use super::root::is_overlay;

/// What a machine is to be and to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The machine's own folder; removed at the end.
    pub dir: PathBuf,
    /// Where logs go; kept.
    pub(crate) logs: PathBuf,
    /// This program.
    pub(crate) harness: PathBuf,
    /// Programs to be found on PATH: name and file.
    pub programs: Vec<(String, PathBuf)>,
    /// How it is connected.
    pub(crate) network: Network,
    /// The job's name and arguments.
    pub(crate) job: Vec<String>,
}

impl Request {
    /// # Errors
    /// When `file` holds no request.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// How a job ended.
#[derive(Debug)]
pub struct Finished {
    /// It ended with exit code 0.
    pub ok: bool,
    /// What it printed: its results.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
    /// From the making of the machine to its end.
    pub(crate) elapsed: Duration,
}

/// Runs the request's job in a machine of its own. `prepare` fills the machine's folder first; `finish` takes from it
/// what is to stay, if the job went well.
///
/// # Errors
/// When the machine can't be made, or the user is gone. A job that fails is no error.
pub fn launch(
    request: &Request,
    prepare: impl FnOnce() -> anyhow::Result<()>,
    finish: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Finished> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let start = Instant::now();
    let folder = Folder::new(&request.dir)?;
    let _ = fs::remove_dir_all(&request.logs);
    fs::create_dir_all(&request.logs)?;
    prepare()?;
    let file = folder.0.join("request.json");
    fs::write(&file, serde_json::to_vec(request)?)?;
    let cgroups = Cgroups::create(NUMBER.fetch_add(1, Ordering::Relaxed))?;
    let said = |name: &str| fs::File::create(request.logs.join(name));
    let mut child = Command::new(&request.harness)
        .args(["machine", "enter", &cgroups.name])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(said("stdout")?)
        .stderr(said("stderr")?)
        .spawn()
        .context("the machine can't be started")?;
    let watched = Watched::new(child.id());
    let pipe = child.stdin.take();
    let connected = request.network.connect(child.id());
    if watched.is_err() || connected.is_err() {
        let _ = child.kill();
    }
    let status = child.wait()?;
    drop(pipe);
    drop(watched?);
    connected?;
    super::keeper::still_wanted()?;
    if status.success() {
        finish()?;
    }
    let read = |name: &str| fs::read_to_string(request.logs.join(name)).unwrap_or_default();
    let (stdout, stderr) = (read("stdout"), read("stderr"));
    // Before the folder: the last processes may still hold files in it.
    drop(cgroups);
    drop(folder);
    Ok(Finished { ok: status.success(), stdout, stderr, elapsed: start.elapsed() })
}

/// Becomes process 0 of the machine: joins its cgroups, then lets `unshare` make the namespaces.
///
/// # Errors
/// When one of the two fails.
pub(crate) fn enter(cgroups: &str, file: &Path) -> anyhow::Result<()> {
    cgroup::join(cgroups)?;
    let request = Request::read(file)?;
    let error = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--propagation", "private"])
        .args(["--fork", "--kill-child=SIGKILL", "--"])
        .arg(&request.harness)
        .args(["machine", "boot"])
        .arg(file)
        .exec();
    bail!("`unshare` can't be started: {error}")
}

/// A folder that is gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("{} can't be made", path.display()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            crate::say::note(format_args!("left behind: {}: {error}", self.0.display()));
        }
    }
}

/// A work folder that nobody else works in.
#[derive(Debug)]
pub struct WorkFolder {
    /// Where it is.
    pub(crate) path: PathBuf,
    _lock: fs::File,
}

impl WorkFolder {
    /// Opens it, and removes what an earlier run that could not clean up has left.
    ///
    /// # Errors
    /// When another run works in it, or it lies on an overlay, on which containerd can't lay its own.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("{} can't be made", path.display()))?;
        let path = path.canonicalize()?;
        let lock = fs::File::create(path.join("lock"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another run works in {}", path.display());
        }
        if is_overlay(&path)? {
            bail!("{} lies on an overlay: name a folder elsewhere with --work-dir", path.display());
        }
        let nodes = path.join("nodes");
        if nodes.exists() {
            fs::remove_dir_all(&nodes).with_context(|| format!("{} can't be removed", nodes.display()))?;
        }
        cgroup::remove_stale()?;
        Ok(Self { path, _lock: lock })
    }
}
