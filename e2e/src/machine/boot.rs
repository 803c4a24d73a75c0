//! Process 1 of the machine.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use rustix::process::{WaitOptions, wait};

use super::launch::Request;
use super::root;

/// Builds the machine that the request in `file` asks for, runs its job to the end and gives its exit code.
///
/// # Errors
/// When the machine can't be built.
pub(crate) fn boot(file: &Path) -> anyhow::Result<ExitCode> {
    // The keeper holds the other end. Without it nobody would clean up; with process 1 all others end.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut vec![]);
        std::process::exit(1);
    });
    let request = Request::read(file)?;
    root::build(&request)?;
    request.network.up()?;
    let job = Command::new(&request.harness)
        .args(["machine", "job"])
        .args(&request.job)
        .env("PATH", super::launch::path())
        .env("HOME", "/root")
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .spawn()
        .context("the job can't be started")?;
    take_in_orphans(job.id())
}

/// Waits for all that end, as process 1 has to, until `job` does.
fn take_in_orphans(job: u32) -> anyhow::Result<ExitCode> {
    loop {
        let Some((pid, status)) = wait(WaitOptions::empty()).context("waiting for the job")? else {
            continue;
        };
        if u32::try_from(pid.as_raw_nonzero().get()) == Ok(job) {
            let status = std::process::ExitStatus::from_raw(status.as_raw());
            return Ok(ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1)));
        }
    }
}
