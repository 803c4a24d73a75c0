//! A container runtime's process.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// A running container runtime: its processes, in the order in which they were started.
#[derive(Debug)]
pub(crate) struct Daemon(Vec<Child>);

impl Daemon {
    /// Starts it, with its output going to the file `log`, and waits until it answers at `socket`.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn start(command: &mut Command, log: &str, socket: &str) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = File::options().create(true).append(true).open(log)?;
        let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().with_context(|| format!("{name} can't be started"))?;
        eventually(&format!("{name} answers"), Duration::from_secs(30), || {
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}");
            }
            Ok(UnixStream::connect(socket).map(drop)?)
        })?;
        Ok(Self(vec![child]))
    }

    /// Both, as one.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Stops it, with its databases in order.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        for mut child in self.0.into_iter().rev() {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                kill_process(pid, Signal::TERM)?;
            }
            child.wait().context("the container runtime can't be stopped")?;
        }
        Ok(())
    }
}
