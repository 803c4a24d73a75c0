//! What checks ask the machine: each method is one measurement, so that a test can answer in its place.

use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use crate::config::v1beta4::ExternalEtcd;
use crate::host::cri::CriError;
use crate::host::disk::Disk;
use crate::host::net::{self, InterfaceAddress, Listener};
use crate::host::process::Process;
use crate::host::system::{Cgroups, KernelConfig, SwapArea};
use crate::host::{ContainerRuntime, ServiceState};

pub(crate) use super::command::Said;
pub(crate) use super::cri::RuntimeFacts;

/// What is at a path, symbolic links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathKind {
    /// A file.
    File,
    /// A directory.
    Dir,
    /// A socket.
    Socket,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharDevice,
    /// Something else.
    Other,
}

/// The machine, as far as checks look at it.
pub(crate) trait Machine: Send + Sync {
    /// What was measured so far no longer counts: the machine has changed since.
    fn forget(&self) {}

    /// Whether we are root.
    fn is_root(&self) -> bool;

    /// Processors that we may run on.
    fn cpus(&self) -> usize;

    /// Bytes of memory.
    fn memory(&self) -> u64;

    /// Swap areas in use.
    ///
    /// # Errors
    /// What the system says.
    fn swaps(&self) -> io::Result<Vec<SwapArea>>;

    /// The kernel's release.
    fn kernel_release(&self) -> String;

    /// The kernel's configuration, if it can be found.
    fn kernel_config(&self) -> Option<KernelConfig>;

    /// The cgroups.
    ///
    /// # Errors
    /// What the system says.
    fn cgroups(&self) -> io::Result<Cgroups>;

    /// The addresses of all interfaces.
    ///
    /// # Errors
    /// What the system says.
    fn addresses(&self) -> io::Result<Vec<InterfaceAddress>>;

    /// All TCP sockets that listen.
    ///
    /// # Errors
    /// What the system says.
    fn listeners(&self) -> io::Result<Vec<Listener>>;

    /// Whether it is certain that nothing listens on `port`, so that the listeners need not be listed.
    fn is_free(&self, _port: u16) -> bool {
        false
    }

    /// Who listens on `port`.
    fn listeners_on(&self, port: u16) -> Vec<Listener> {
        if self.is_free(port) {
            return vec![];
        }
        net::on_port(self.listeners().unwrap_or_default(), port)
    }

    /// All processes.
    fn processes(&self) -> Vec<Process>;

    /// The addresses of a host, by the system's resolver.
    ///
    /// # Errors
    /// What the resolver says.
    fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, String>;

    /// A file, to read.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>>;

    /// A file's content.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = vec![];
        self.open(path)?.read_to_end(&mut content)?;
        Ok(content)
    }

    /// A file as text, if it can be read.
    fn text(&self, path: &Path) -> Option<String> {
        self.read(path).ok().map(|content| String::from_utf8_lossy(&content).into_owned())
    }

    /// What is at a path, symbolic links followed.
    ///
    /// # Errors
    /// What the system says.
    fn stat(&self, path: &Path) -> io::Result<PathKind>;

    /// What is at a path; none if nothing is there, or it can't be looked at.
    fn kind(&self, path: &Path) -> Option<PathKind> {
        self.stat(path).ok()
    }

    /// The target of a symbolic link at a path.
    fn link(&self, path: &Path) -> Option<PathBuf>;

    /// The names in a directory, sorted; none if it does not exist.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// The file system that a path is on or would be on.
    ///
    /// # Errors
    /// What the system says.
    fn disk(&self, path: &Path) -> io::Result<Disk>;

    /// Whether files can be created in a directory.
    ///
    /// # Errors
    /// What the system says.
    fn try_write(&self, dir: &Path) -> io::Result<()>;

    /// The path of a program in PATH.
    fn program(&self, name: &str) -> Option<PathBuf>;

    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it can't be started.
    fn run(&self, program: &str, args: &[&str]) -> Result<Said, String>;

    /// The name of the init system, if it is one that we know.
    fn init_system(&self) -> Option<&'static str>;

    /// The state of a service.
    fn service(&self, name: &str) -> ServiceState;

    /// What a service logged in the last hour, as far as its log can be found.
    fn service_log(&self, name: &str) -> Vec<String>;

    /// What a service complained of last, in its own words.
    fn complaint(&self, service: &str) -> Option<String> {
        let log = self.service_log(service);
        // The init system's own words tell only that it ended, and what is calm is no complaint.
        let calm = [".service: ", "level=debug", "level=info", "level=warning"];
        let own = log.iter().rev().filter(|line| !calm.iter().any(|words| line.contains(words)));
        let serious = ["level=fatal", "level=panic", "panic: ", "level=error", "error", "failed"];
        let has = |line: &&String, words: &str| line.to_lowercase().contains(words);
        let found = serious.iter().find_map(|words| own.clone().find(|line| has(line, words)));
        found.map(|line| format!("{service} logged: {}", line.trim()))
    }

    /// The time.
    fn now(&self) -> OffsetDateTime;

    /// What the container runtime says, asked once.
    ///
    /// # Errors
    /// When it does not answer as a CRI v1 runtime does.
    fn runtime(&self) -> Result<RuntimeFacts, CriError>;

    /// The container runtime.
    fn container_runtime(&self) -> &dyn ContainerRuntime;

    /// What `GET <endpoint>/version` of an external etcd gives.
    ///
    /// # Errors
    /// Why it gives nothing.
    fn etcd_version(&self, endpoint: &str, etcd: &ExternalEtcd) -> Result<String, String>;
}
