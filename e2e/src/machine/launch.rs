//! From the outside: makes a machine, runs a job in it, and takes all of it away again.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::cgroup::{self, Cgroups};
use super::keeper::Watched;
use super::network::Network;
use super::root::{PROGRAMS, is_overlay};
use crate::say;

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
    /// The folder is that of a machine that was cut off: its disk is as it was.
    pub(crate) again: bool,
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
    let begin = Instant::now();
    let folder = Folder::new(&request.dir)?;
    let _ = fs::remove_dir_all(&request.logs);
    prepare()?;
    let mut running = start(request)?;
    let watched = Watched::new(running.child.id());
    if watched.is_err() {
        running.cut();
    }
    let status = followed(&mut running.child, &request.logs.join(PROGRESS))?;
    drop(watched?);
    super::keeper::still_wanted()?;
    if status.success() {
        finish()?;
    }
    let read = |name: &str| fs::read_to_string(request.logs.join(name)).unwrap_or_default();
    let (stdout, stderr) = (read("stdout"), read("stderr"));
    // Before the folder: the last processes may still hold files in it.
    drop(running);
    drop(folder);
    Ok(Finished { ok: status.success(), stdout, stderr, elapsed: begin.elapsed() })
}

/// The file of the logs in which a job tells how far it has come.
const PROGRESS: &str = "progress";

/// Adds a line to what the user reads while the job runs: how far it has come, what it has found.
///
/// # Errors
/// When it can't be written.
pub(crate) fn progress(text: &str) -> anyhow::Result<()> {
    let path = Path::new("/e2e/logs").join(PROGRESS);
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    Ok(writeln!(file, "{text}")?)
}

/// Waits for the end of `child`, and says meanwhile what is added to the file `progress`.
fn followed(child: &mut Child, progress: &Path) -> anyhow::Result<ExitStatus> {
    let mut shown = 0;
    loop {
        let ended = child.try_wait()?;
        let text = fs::read_to_string(progress).unwrap_or_default();
        let added = text.get(shown..).unwrap_or_default();
        let whole = added.rfind('\n').map_or(0, |end| end + 1);
        for line in added.get(..whole).unwrap_or_default().lines() {
            say::note(line);
        }
        shown += whole;
        if let Some(status) = ended {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// A machine that runs. Dropped, it is cut off from power, and its cgroups are removed.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// The machine ends when it is closed, as `wait` would do.
    _pipe: Option<ChildStdin>,
    /// Their name: a process that is to run in the machine joins them first.
    cgroups: Cgroups,
}

impl Running {
    /// Ends it as a power cut does: no process is asked.
    fn cut(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A command that runs `program` in the machine.
    ///
    /// # Errors
    /// When the machine is gone.
    pub(crate) fn command(&self, harness: &Path, program: &str) -> anyhow::Result<Command> {
        let process_1 = children(self.child.id()).next().context("the machine is not there")?;
        let mut command = Command::new(harness);
        command.args(["machine", "exec", &self.cgroups.name, &process_1.to_string(), program]);
        Ok(command)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cut();
    }
}

/// The processes that `parent` has started.
fn children(parent: u32) -> impl Iterator<Item = u32> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(move |id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The name, in parentheses, may hold anything.
        let fields = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
        fields.split(' ').nth(1) == Some(&parent.to_string())
    })
}

/// Starts a machine in the request's folder, which may have been another's before: as after a power cut.
///
/// # Errors
/// When it can't be made.
pub(crate) fn start(request: &Request) -> anyhow::Result<Running> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    fs::create_dir_all(&request.logs)?;
    let file = request.dir.join("request.json");
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
    let pipe = child.stdin.take();
    let running = Running { child, _pipe: pipe, cgroups };
    request.network.connect(running.child.id())?;
    Ok(running)
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

/// Becomes a program in the machine whose process 1 has this id: joins its cgroups and namespaces.
///
/// # Errors
/// When one of them can't be joined.
pub(crate) fn exec(cgroups: &str, process_1: &str, words: &[String]) -> anyhow::Result<()> {
    cgroup::join(cgroups)?;
    let error = Command::new("nsenter")
        .args(["--target", process_1, "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--"])
        .args(words)
        .env("PATH", path())
        .env("HOME", "/root")
        .env_remove("KUBECONFIG")
        .exec();
    bail!("`nsenter` can't be started: {error}")
}

/// PATH in a machine.
pub(super) fn path() -> String {
    format!("{PROGRAMS}:{}", std::env::var("PATH").unwrap_or_default())
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
