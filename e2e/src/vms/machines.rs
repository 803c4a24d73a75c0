//! What is asked of the script that makes machines: `up N`, `sh nK COMMAND`, `put nK FILE DEST`, `cut nK` (a power cut),
//! `start nK`, `down`. `nK` has the address 10.77.0.1K.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::command::{Output, run};
use crate::wait::eventually;

/// How long a machine may take to go down, for which systemd waits up to 90 s for each container, and come up.
const BOOT: Duration = Duration::from_secs(300);

/// The machines of a scenario; gone when this goes.
pub(super) struct Machines {
    script: PathBuf,
    /// At how many moments the power goes.
    pub(super) cuts: u16,
    notes: RefCell<Vec<String>>,
}

impl Machines {
    /// `count` fresh ones with `kubestrap`, a network for Pods, and nothing of Kubernetes prepared.
    pub(super) fn up(script: &Path, count: usize, kubestrap: &Path, cuts: u16) -> anyhow::Result<Self> {
        let machines = Self { script: script.to_owned(), cuts, notes: RefCell::default() };
        // What an earlier run left.
        machines.script(&["down"])?.success()?;
        machines.script(&["up", &count.to_string(), "--bare", "--cni"])?.success()?;
        for number in 1..=count {
            machines.put(number, kubestrap, Path::new("/usr/local/bin/kubestrap"))?;
        }
        Ok(machines)
    }

    /// Copies a file there; it keeps its mode.
    pub(super) fn put(&self, number: usize, file: &Path, place: &Path) -> anyhow::Result<()> {
        let path = |path: &Path| path.to_str().map(str::to_owned).context("a path is not UTF-8");
        self.script(&["put", &name(number), &path(file)?, &path(place)?])?.success().map(drop)
    }

    /// Runs a command line in the machine `number` (from 1), as root.
    pub(super) fn sh(&self, number: usize, line: &str) -> anyhow::Result<Output> {
        self.script(&["sh", &name(number), line])
    }

    /// Starts a command line there that is not waited for.
    pub(super) fn begin(&self, number: usize, line: &str) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.script);
        command.args(["sh", &name(number), line]).stdin(Stdio::null());
        Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
    }

    /// A power cut.
    pub(super) fn cut(&self, number: usize) -> anyhow::Result<()> {
        self.script(&["cut", &name(number)])?.success().map(drop)
    }

    /// Boots a machine that is off, with the disk that it had.
    pub(super) fn start(&self, number: usize) -> anyhow::Result<()> {
        eventually("the machine starts", BOOT, || self.script(&["start", &name(number)])?.success()).map(drop)
    }

    /// Shuts a machine down in order, and boots it again.
    pub(super) fn reboot(&self, number: usize) -> anyhow::Result<()> {
        self.sh(number, "systemctl --no-block poweroff")?;
        // It can't be started before it is down.
        self.start(number)
    }

    /// Something to tell beside the result.
    pub(super) fn note(&self, text: impl Into<String>) {
        self.notes.borrow_mut().push(text.into());
    }

    /// All that was noted.
    pub(super) fn notes(&self) -> String {
        self.notes.borrow().join(", ")
    }

    fn script(&self, args: &[&str]) -> anyhow::Result<Output> {
        run(Command::new(&self.script).args(args))
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        let _ = self.script(&["down"]);
    }
}

/// What the script calls the machine `number`.
fn name(number: usize) -> String {
    format!("n{number}")
}
