//! A container runtime's process.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// A running container runtime.
#[derive(Debug)]
pub(crate) struct Daemon(Child);

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
        Ok(Self(child))
    }

    /// Stops it, with its databases in order.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        self.0.wait().context("the container runtime can't be stopped")?;
        Ok(())
    }
}
