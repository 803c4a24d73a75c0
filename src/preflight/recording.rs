//! The machine, with a note of what could not be measured: so no check passes silently because a measurement failed.

use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::outcome::Unmeasured;
use crate::config::v1beta4::ExternalEtcd;
use crate::host::cri::CriError;
use crate::host::disk::Disk;
use crate::host::machine::{Machine, PathKind, RuntimeFacts, Said};
use crate::host::net::{InterfaceAddress, Listener};
use crate::host::process::Process;
use crate::host::system::{Cgroups, KernelConfig, SwapArea};
use crate::host::{ContainerRuntime, ServiceState};

/// A machine that notes which measurements fail. What does not exist is a result, not a failure; and what a check is
/// about (a name that resolves, a sandbox that starts) it reports itself.
pub(super) struct Recording<'a> {
    machine: &'a dyn Machine,
    failed: Mutex<Vec<Unmeasured>>,
}

impl<'a> Recording<'a> {
    pub(super) fn new(machine: &'a dyn Machine) -> Self {
        Self { machine, failed: Mutex::default() }
    }

    /// What could not be measured, each once.
    pub(super) fn failed(self) -> Vec<Unmeasured> {
        let mut failed = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut seen: Vec<Unmeasured> = vec![];
        failed.retain(|f| {
            !seen.contains(f) && {
                seen.push(f.clone());
                true
            }
        });
        failed
    }

    fn note(&self, unmeasured: Unmeasured) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(unmeasured);
    }

    fn io<T>(&self, what: impl AsRef<Path>, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        {
            self.note(Unmeasured::io(what, error));
        }
        result
    }
}

impl Machine for Recording<'_> {
    fn forget(&self) {
        self.machine.forget();
    }
    fn is_root(&self) -> bool {
        self.machine.is_root()
    }
    fn cpus(&self) -> usize {
        self.machine.cpus()
    }
    fn memory(&self) -> u64 {
        self.machine.memory()
    }
    fn swaps(&self) -> io::Result<Vec<SwapArea>> {
        self.io("/proc/swaps", self.machine.swaps())
    }
    fn kernel_release(&self) -> String {
        self.machine.kernel_release()
    }
    fn kernel_config(&self) -> Option<KernelConfig> {
        self.machine.kernel_config()
    }
    fn cgroups(&self) -> io::Result<Cgroups> {
        self.io("/sys/fs/cgroup", self.machine.cgroups())
    }
    fn addresses(&self) -> io::Result<Vec<InterfaceAddress>> {
        self.io("the network interfaces", self.machine.addresses())
    }
    fn listeners(&self) -> io::Result<Vec<Listener>> {
        self.io("/proc/net/tcp", self.machine.listeners())
    }
    fn is_free(&self, port: u16) -> bool {
        self.machine.is_free(port)
    }
    fn processes(&self) -> Vec<Process> {
        self.machine.processes()
    }
    fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        self.machine.resolve(host)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.io(path, self.machine.open(path))
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.io(path, self.machine.read(path))
    }
    fn stat(&self, path: &Path) -> io::Result<PathKind> {
        self.io(path, self.machine.stat(path))
    }
    fn link(&self, path: &Path) -> Option<PathBuf> {
        self.machine.link(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.io(path, self.machine.list(path))
    }
    fn disk(&self, path: &Path) -> io::Result<Disk> {
        self.io(path, self.machine.disk(path))
    }
    fn try_write(&self, dir: &Path) -> io::Result<()> {
        self.machine.try_write(dir)
    }
    fn program(&self, name: &str) -> Option<PathBuf> {
        self.machine.program(name)
    }
    fn run(&self, program: &str, args: &[&str]) -> Result<Said, String> {
        let result = self.machine.run(program, args);
        if let Err(why) = &result {
            self.note(Unmeasured::new([&[program], args].concat().join(" "), why));
        }
        result
    }
    fn init_system(&self) -> Option<&'static str> {
        self.machine.init_system()
    }
    fn service(&self, name: &str) -> ServiceState {
        self.machine.service(name)
    }
    fn service_log(&self, name: &str) -> Vec<String> {
        self.machine.service_log(name)
    }
    fn now(&self) -> OffsetDateTime {
        self.machine.now()
    }
    fn runtime(&self) -> Result<RuntimeFacts, CriError> {
        let result = self.machine.runtime();
        if let Err(error) = &result {
            self.note(Unmeasured::new(error.endpoint.path().display().to_string(), &error.cause));
        }
        result
    }
    fn container_runtime(&self) -> &dyn ContainerRuntime {
        self.machine.container_runtime()
    }
    fn etcd_version(&self, endpoint: &str, etcd: &ExternalEtcd) -> Result<String, String> {
        self.machine.etcd_version(endpoint, etcd)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::FakeMachine;
    use super::*;

    #[test]
    fn failed_measurements_are_noted_once_and_missing_files_are_not() {
        let machine = FakeMachine::with(|m| {
            m.unreadable.insert("/etc/secret".into(), io::ErrorKind::PermissionDenied);
        });
        let recording = Recording::new(&machine);
        assert_eq!(recording.text("/etc/secret".as_ref()), None);
        assert_eq!(recording.kind("/etc/secret".as_ref()), None);
        assert_eq!(recording.text("/etc/missing".as_ref()), None);
        assert!(recording.run("none", &["--version"]).is_err());
        let failed = recording.failed();
        let what: Vec<(&str, bool)> = failed.iter().map(|u| (u.what.as_str(), u.needs_root)).collect();
        assert_eq!(what, [("/etc/secret", true), ("none --version", false)]);
    }
}
