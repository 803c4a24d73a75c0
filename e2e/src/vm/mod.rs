//! `cargo e2e --vm`: kubestrap in a fresh virtual machine, whose process 1 is systemd, with journald, cgroup v2,
//! a disk and all capabilities.
//!
//! 1. [`base`] is Debian, of its own packages; kept for later runs.
//! 2. [`disk`] makes a disk of it, with the programs of the user's folder and the images.
//! 3. [`qemu`] boots that, with KVM where it works, and takes from the disk what was left.
//! 4. [`job`] is what happens inside: init as a new user runs it, and reset. `--vms` does the same as `vm-init`, in a
//!    machine that need not be emulated.

mod base;
mod disk;
pub(crate) mod job;
mod qemu;

use std::fs;
use std::time::Instant;

use anyhow::{Context, bail};

use crate::command::{find, tail};
use crate::plan::Plan;
use crate::say;

/// The host's programs, and the Debian packages that have them.
const TOOLS: &[(&str, &str)] = &[
    ("debootstrap", "debootstrap"),
    ("debugfs", "e2fsprogs"),
    ("mke2fs", "e2fsprogs"),
    ("qemu-system-x86_64", "qemu-system-x86"),
];

/// Runs the job in a fresh machine; whether it went well. Logs stay in the work folder.
///
/// # Errors
/// When the machine can't be made.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<bool> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("--vm makes x86_64 machines only, and this is {}", std::env::consts::ARCH);
    }
    let missing: Vec<&str> = TOOLS.iter().filter(|(p, _)| find(p).is_none()).map(|(_, pkg)| *pkg).collect();
    if !missing.is_empty() {
        bail!("--vm needs Debian's packages {}: `apt-get install {0}`", missing.join(" "));
    }
    let start = Instant::now();
    let work = plan.work.join("vm");
    fs::create_dir_all(&work)?;
    let base = base::prepare(&work)?;
    let disk = disk::make(plan, &base, &work).context("the machine's disk can't be made")?;
    let logs = plan.work.join("logs/vm");
    let _ = fs::remove_dir_all(&logs);
    fs::create_dir_all(&logs)?;
    let booted = qemu::boot(&base, &disk, &logs)?;
    let said = qemu::collect(&disk, &logs)?;
    fs::remove_file(&disk)?;
    let seconds = start.elapsed().as_secs_f64();
    if said.code == "0" {
        say::ended("vm", seconds, format_args!("{booted}, {}", said.stdout.trim()), None);
        return Ok(true);
    }
    let why = if said.code.is_empty() { "the job did not end" } else { said.stderr.as_str() };
    say::ended("vm", seconds, format_args!("logs: {}", logs.display()), Some(&tail(why, 40)));
    Ok(false)
}
