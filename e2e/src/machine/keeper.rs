//! The process that does the work and cleans up, also when the one that the user started is killed.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use rustix::process::{Pid, Signal, kill_process};

/// Set in the keeper.
const VARIABLE: &str = "E2E_KEEPER";

/// What is known of the work at hand.
struct Work {
    /// The process that the user started is gone.
    abandoned: bool,
    /// The running machine's outermost process.
    machine: Option<Pid>,
}

static WORK: Mutex<Work> = Mutex::new(Work { abandoned: false, machine: None });

fn work() -> MutexGuard<'static, Work> {
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `chore` in a keeper: this program once more, with the same arguments, in a process group of its own (so that
/// an interrupt from the keyboard spares it) and at the other end of a pipe, which closes when this process ends in
/// whatever way.
pub fn kept(chore: impl FnOnce() -> ExitCode) -> ExitCode {
    if std::env::var_os(VARIABLE).is_some() {
        std::thread::spawn(watch);
        return chore();
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return crate::say::failure(&format!("this program can't be found: {error}")),
    };
    let mut keeper = Command::new(program);
    keeper.args(std::env::args_os().skip(1)).env(VARIABLE, "1").stdin(Stdio::piped()).process_group(0);
    let status = keeper.spawn().and_then(|mut child| {
        // Held until the end: `wait` would close it.
        let pipe = child.stdin.take();
        let status = child.wait();
        drop(pipe);
        status
    });
    match status {
        Ok(status) => ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1)),
        Err(error) => crate::say::failure(&format!("this program can't be started again: {error}")),
    }
}

/// Waits until the process that the user started is gone, then ends the running machine.
fn watch() {
    let _ = std::io::stdin().read_to_end(&mut vec![]);
    let mut work = work();
    work.abandoned = true;
    if let Some(machine) = work.machine {
        let _ = kill_process(machine, Signal::KILL);
    }
}

/// A machine that is ended when the user's process is gone.
pub(crate) struct Watched(());

impl Watched {
    /// Has the process `id`, a child of this one, watched.
    ///
    /// # Errors
    /// When the user's process is gone already.
    pub(crate) fn new(id: u32) -> anyhow::Result<Self> {
        let mut work = work();
        if work.abandoned {
            bail!("interrupted");
        }
        work.machine = i32::try_from(id).ok().and_then(Pid::from_raw);
        Ok(Self(()))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        work().machine = None;
    }
}

/// # Errors
/// When the user's process is gone.
pub fn still_wanted() -> anyhow::Result<()> {
    if work().abandoned {
        bail!("interrupted");
    }
    Ok(())
}
