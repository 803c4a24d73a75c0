//! The machine itself.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::base::boot_file;
use crate::command::{check, run};
use crate::machine::keeper::Watched;

/// The other end of its wire, which leads nowhere.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
/// Longer than any run, emulated on a busy machine.
const LIMIT: Duration = Duration::from_secs(1800);
/// Its memory, in MiB.
const MEMORY: &str = "4096";

/// Boots the machine and waits until it turns itself off; how it ran, in words.
///
/// # Errors
/// When it can't be started, or does not turn itself off.
pub(super) fn boot(base: &Path, disk: &Path, logs: &Path) -> anyhow::Result<String> {
    let (hardware, kind) = if kvm_works(base)? { ("kvm", "KVM") } else { ("tcg,thread=multi", "emulated") };
    let start = Instant::now();
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-accel", hardware, "-cpu", "max", "-smp", "2", "-m", MEMORY])
        .args(["-nographic", "-no-reboot", "-append", "root=/dev/vda rw console=ttyS0 quiet"])
        .arg("-kernel")
        .arg(boot_file(base, "vmlinuz-")?)
        .arg("-initrd")
        .arg(boot_file(base, "initrd.img-")?)
        .args(["-drive", &format!("file={},if=virtio,format=raw,cache=unsafe", disk.display())])
        .args([
            "-nic",
            &format!("user,model=virtio,restrict=on,net=10.88.0.0/24,host={GATEWAY},dns=10.88.0.3"),
        ])
        .stdin(Stdio::null())
        .stdout(File::create(logs.join("console.log"))?)
        .stderr(File::create(logs.join("qemu.log"))?);
    let mut child = qemu.spawn().context("qemu can't be started")?;
    let watched = Watched::new(child.id());
    if watched.is_err() {
        let _ = child.kill();
    }
    loop {
        if let Some(status) = child.try_wait()? {
            drop(watched?);
            crate::machine::keeper::still_wanted()?;
            if !status.success() {
                bail!("qemu ended with {status}: {}", fs::read_to_string(logs.join("qemu.log"))?.trim());
            }
            break;
        }
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            child.wait()?;
            bail!("the machine did not turn itself off within {} s: see {}", LIMIT.as_secs(), logs.display());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(format!("{kind}, up {:.0} s", start.elapsed().as_secs_f64()))
}

/// Whether the kernel boots with KVM: on some machines its device is there, and what it does is not enough. Without a
/// root it panics, which ends a machine that runs.
fn kvm_works(base: &Path) -> anyhow::Result<bool> {
    let mut qemu = Command::new("timeout");
    qemu.args(["10", "qemu-system-x86_64", "-accel", "kvm", "-cpu", "max", "-m", "512", "-nic", "none"])
        .args(["-nographic", "-no-reboot", "-append", "panic=-1 root=/dev/none quiet"])
        .arg("-kernel")
        .arg(boot_file(base, "vmlinuz-")?);
    Ok(run(&mut qemu)?.code == Some(0))
}

/// What the job left on the disk.
#[derive(Debug)]
pub(super) struct Said {
    /// Its exit code; empty when it did not end.
    pub(super) code: String,
    /// What it printed: its figures.
    pub(super) stdout: String,
    /// What it said beside that.
    pub(super) stderr: String,
}

/// Takes it from the disk; its logs go to the folder `logs`.
///
/// # Errors
/// When the disk can't be read.
pub(super) fn collect(disk: &Path, logs: &Path) -> anyhow::Result<Said> {
    let disk = disk.to_string_lossy();
    check("debugfs", &["-R", &format!("rdump /e2e/logs {}", logs.display()), &disk])?;
    let read = |file: &str| -> anyhow::Result<String> {
        Ok(run(Command::new("debugfs").args(["-R", &format!("cat /e2e/{file}"), &disk]))?.stdout)
    };
    Ok(Said { code: read("code")?.trim().to_owned(), stdout: read("stdout")?, stderr: read("stderr")? })
}
