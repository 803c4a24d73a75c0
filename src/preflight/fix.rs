//! Fixes without risk: IP forwarding, kernel modules, swap.

use std::path::Path;

use serde::Serialize;

use super::machine::modules;
use super::network::forwarding;
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;
use crate::host::{FileMode, command, write_atomically};

/// Where kernel settings are kept over a reboot.
const SYSCTL_FILE: &str = "/etc/sysctl.d/99-kubernetes.conf";
/// Where modules are named that are loaded at boot.
const MODULES_FILE: &str = "/etc/modules-load.d/kubernetes.conf";

/// What fixes do to a machine.
pub(crate) trait Hands {
    /// Sets a value of the kernel: a file below `/proc/sys`.
    ///
    /// # Errors
    /// In the system's words.
    fn set(&self, path: &Path, value: &str) -> Result<(), String>;

    /// Writes a file.
    ///
    /// # Errors
    /// In words.
    fn write(&self, path: &Path, content: &str) -> Result<(), String>;

    /// Runs a program.
    ///
    /// # Errors
    /// What it said.
    fn run(&self, program: &str, args: &[&str]) -> Result<(), String>;
}

/// The machine that we run on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RealHands;

impl Hands for RealHands {
    fn set(&self, path: &Path, value: &str) -> Result<(), String> {
        std::fs::write(path, value).map_err(|e| format!("{}: {e}", path.display()))?;
        tracing::info!("wrote {value} to {}", path.display());
        Ok(())
    }

    fn write(&self, path: &Path, content: &str) -> Result<(), String> {
        let mode = FileMode { file: 0o644, dir: 0o755 };
        write_atomically(path, content.as_bytes(), mode).map(drop).map_err(|e| e.to_string())
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<(), String> {
        command::run(program, args).map(drop).map_err(|e| e.to_string())
    }
}

/// A fix that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Applied {
    /// The check whose finding it is for.
    pub check: String,
    /// What was done, in the order of doing: commands as one would type them.
    pub done: Vec<String>,
    /// Why it did not get further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is left for the user to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

/// Fixes those of `findings` that can be fixed without risk. Run the checks again to see the result.
pub(crate) fn fix(findings: &[Finding], machine: &dyn Machine, hands: &dyn Hands) -> Vec<Applied> {
    let mut applied: Vec<Applied> = vec![];
    for finding in findings {
        if applied.iter().any(|a| a.check == finding.check) {
            continue;
        }
        let mut work = Work { hands, machine, done: vec![], left: None };
        let result = match finding.check.as_str() {
            "Swap" if finding.severity > Severity::Info => work.swap_off(),
            "KernelModules" => work.load_modules(),
            name => match forwarding::FILES
                .iter()
                .find(|f| name == format!("FileContent-{}", f.replace('/', "-")))
            {
                Some(file) => work.forward(file),
                None => continue,
            },
        };
        let Work { done, left, .. } = work;
        applied.push(Applied { check: finding.check.clone(), done, error: result.err(), left });
    }
    applied
}

struct Work<'a> {
    hands: &'a dyn Hands,
    machine: &'a dyn Machine,
    done: Vec<String>,
    left: Option<String>,
}

impl Work<'_> {
    fn forward(&mut self, file: &str) -> Result<(), String> {
        let name = forwarding::sysctl_name(file);
        self.hands.set(file.as_ref(), "1")?;
        self.done.push(format!("sysctl -w {name}=1"));
        self.add_line(SYSCTL_FILE, &format!("{name} = 1"))
    }

    fn load_modules(&mut self) -> Result<(), String> {
        for name in modules::missing(self.machine) {
            self.hands.run("modprobe", &[name])?;
            self.done.push(format!("modprobe {name}"));
            self.add_line(MODULES_FILE, name)?;
        }
        Ok(())
    }

    fn swap_off(&mut self) -> Result<(), String> {
        for area in self.machine.swaps().map_err(|e| format!("/proc/swaps: {e}"))? {
            let path = area.path.to_string_lossy().into_owned();
            self.hands.run("swapoff", &[&path])?;
            self.done.push(format!("swapoff {path}"));
        }
        self.left = Some(
            "so that it stays off after a reboot, remove it from /etc/fstab, or `systemctl mask` its .swap unit".into(),
        );
        Ok(())
    }

    /// Adds a line to a file of lines, once.
    fn add_line(&mut self, file: &str, line: &str) -> Result<(), String> {
        let mut text = self.machine.text(file.as_ref()).unwrap_or_default();
        if text.lines().any(|l| l.trim() == line) {
            return Ok(());
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("{line}\n"));
        self.hands.write(file.as_ref(), &text)?;
        self.done.push(format!("echo '{line}' >> {file}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::fake::{FakeMachine, settings};
    use super::super::{Options, Subject, run_checks};
    use super::*;
    use crate::host::system::SwapArea;

    /// Notes what is done; `fails` is a program that is not there.
    #[derive(Default)]
    struct Notes {
        all: Mutex<Vec<String>>,
        fails: &'static str,
    }

    impl Notes {
        fn note(&self, text: String) {
            self.all.lock().unwrap().push(text);
        }
    }

    impl Hands for Notes {
        fn set(&self, path: &Path, value: &str) -> Result<(), String> {
            self.note(format!("{}={value}", path.display()));
            Ok(())
        }

        fn write(&self, path: &Path, content: &str) -> Result<(), String> {
            self.note(format!("{}: {content}", path.display()));
            Ok(())
        }

        fn run(&self, program: &str, args: &[&str]) -> Result<(), String> {
            if program == self.fails {
                return Err(format!("{program} is not there"));
            }
            self.note(format!("{program} {}", args.join(" ")));
            Ok(())
        }
    }

    fn sick() -> FakeMachine {
        FakeMachine::with(|m| {
            m.swaps = vec![SwapArea { path: "/swap".into(), kind: "file".into(), bytes: 1 << 20 }];
            m.file("/proc/sys/net/ipv4/ip_forward", "0\n");
            m.file("/etc/sysctl.d/99-kubernetes.conf", "vm.x = 1");
            m.files.remove(Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables"));
            m.cpus = 1;
        })
    }

    fn apply(hands: &Notes) -> Vec<Applied> {
        let findings =
            run_checks(&Subject::init(&settings("")), std::sync::Arc::new(sick()), &Options::default())
                .findings;
        fix(&findings, &sick(), hands)
    }

    #[test]
    fn safe_fixes_are_applied_and_kept_across_reboots() {
        let hands = Notes::default();
        let applied = apply(&hands);
        assert_eq!(
            *hands.all.lock().unwrap(),
            [
                "swapoff /swap",
                "/proc/sys/net/ipv4/ip_forward=1",
                "/etc/sysctl.d/99-kubernetes.conf: vm.x = 1\nnet.ipv4.ip_forward = 1\n",
                "modprobe br_netfilter",
                "/etc/modules-load.d/kubernetes.conf: br_netfilter\n",
            ]
        );
        let checks: Vec<&str> = applied.iter().map(|a| a.check.as_str()).collect();
        assert_eq!(checks, ["Swap", "FileContent--proc-sys-net-ipv4-ip_forward", "KernelModules"]);
        assert_eq!(applied[0].done, ["swapoff /swap"]);
        assert!(applied[0].left.is_some() && applied.iter().all(|a| a.error.is_none()));
    }

    #[test]
    fn failed_fix_is_reported_and_does_not_stop_the_others() {
        let hands = Notes { fails: "swapoff", ..Notes::default() };
        let applied = apply(&hands);
        assert_eq!(applied[0].error.as_deref(), Some("swapoff is not there"));
        assert!(applied[0].done.is_empty() && applied[1].error.is_none());
    }
}
