//! Stand-ins for `systemctl` and `journalctl` on a machine whose process 1 is not systemd.
//!
//! They know what is needed of them for one service, kubelet: its unit files are read and followed as systemd does for
//! `Environment`, `EnvironmentFile` and `ExecStart`; it is restarted as `Restart=always` with `RestartSec=10` says; its
//! log can be asked for. Of other units only those of container runtimes are known, as ones that run when their programs do.

mod journal;
mod journalctl;
mod state;
mod supervise;
mod systemctl;
mod unit;

use std::ffi::OsString;
use std::process::ExitCode;

/// The names under which this program is linked.
pub(crate) const PROGRAMS: &[&str] = &["systemctl", "journalctl", "systemd-supervise"];

/// Where packages put units.
pub(crate) const PACKAGED: &str = "/usr/lib/systemd/system";

/// `systemctl`.
pub(crate) fn systemctl(args: impl Iterator<Item = OsString>) -> ExitCode {
    systemctl::main(&text(args))
}

/// `journalctl`.
pub(crate) fn journalctl(args: impl Iterator<Item = OsString>) -> ExitCode {
    journalctl::main(&text(args))
}

/// What keeps a service running: no program of systemd's, but what its process 1 does.
pub(crate) fn supervise(args: impl Iterator<Item = OsString>) -> ExitCode {
    supervise::main(&text(args))
}

fn text(args: impl Iterator<Item = OsString>) -> Vec<String> {
    args.map(|a| a.to_string_lossy().into_owned()).collect()
}
