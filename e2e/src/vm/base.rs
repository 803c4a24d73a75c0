//! Debian, as its packages make it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::command;
use crate::say;

/// The release.
const SUITE: &str = "trixie";
/// What is on it beside the minimum: a kernel, systemd, the runtime's runc, and what kubelet and kube-proxy call.
const PACKAGES: &[&str] = &[
    "linux-image-amd64",
    "systemd",
    "systemd-sysv",
    "dbus",
    "udev",
    "iproute2",
    "iptables",
    "ethtool",
    "conntrack",
    "kmod",
    "procps",
    "util-linux",
    "ca-certificates",
    "runc",
];

/// The folder with it, made unless an earlier run made the same.
///
/// # Errors
/// When debootstrap fails.
pub(super) fn prepare(work: &Path) -> anyhow::Result<PathBuf> {
    let base = work.join("base");
    let stamp = work.join("base.packages");
    let wanted = format!("{SUITE} {}\n", PACKAGES.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(base);
    }
    say::note(format_args!("installing Debian {SUITE} in {}", base.display()));
    let _ = fs::remove_file(&stamp);
    if base.exists() {
        fs::remove_dir_all(&base).with_context(|| format!("{} can't be removed", base.display()))?;
    }
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", &format!("--include={}", PACKAGES.join(",")), SUITE]).arg(&base);
    command::run(&mut debootstrap)?.success()?;
    fs::write(&stamp, wanted)?;
    Ok(base)
}

/// The file in its /boot whose name begins with `name`.
///
/// # Errors
/// When there is none.
pub(super) fn boot_file(base: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(base.join("boot"))?.flatten().map(|e| e.path());
    let begins = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(name));
    entries.filter(begins).max().with_context(|| format!("{} has no boot/{name}*", base.display()))
}
