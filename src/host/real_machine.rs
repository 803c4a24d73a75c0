//! The machine we run on, measured.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::etcd_version as etcd_client;
use crate::config::v1beta4::ExternalEtcd;
use crate::host::cri::{CriCause, CriError, KnownRuntime};
use crate::host::disk::{self, Disk};
use crate::host::machine::{Machine, PathKind, RuntimeFacts, Said};
use crate::host::net::{self, InterfaceAddress, Listener};
use crate::host::process::{self, Process};
use crate::host::system::{self, Cgroups, KernelConfig, SwapArea};
use crate::host::{ContainerRuntime, Host, RealHost, ServiceState, ago, command};

/// How far back a service's log tells of its state.
const LOG_PERIOD: Duration = Duration::from_secs(3600);
/// The services that checks ask for.
const SERVICES: [&str; 5] = ["kubelet", "firewalld", "containerd", "crio", "cri-docker"];
/// How often, and how long apart, a listener's process is looked for again.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How long a container runtime that is starting is waited for: after a power loss it first puts its data in order.
const RUNTIME_START: Duration = Duration::from_secs(30);

/// A measurement that several checks need, made once until it is forgotten.
struct Remembered<T>(Mutex<Option<T>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Remembered<T> {
    /// A caller that asks while it is being made waits for it.
    fn get_or_measure(&self, measure: impl FnOnce() -> T) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(measure).clone()
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// An error that several checks are given.
#[derive(Clone)]
struct Kept(Arc<io::Error>);

impl From<io::Error> for Kept {
    fn from(error: io::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Kept> for io::Error {
    fn from(Kept(error): Kept) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// What came of running a program.
type Answer = Result<Said, String>;

/// The machine we run on. What several checks ask for is measured once.
pub(crate) struct RealMachine {
    host: RealHost,
    container_runtime: Arc<dyn ContainerRuntime>,
    addresses: Remembered<Result<Vec<InterfaceAddress>, Kept>>,
    listeners: Remembered<Result<Vec<Listener>, Kept>>,
    processes: Remembered<Vec<Process>>,
    runtime: Remembered<Result<RuntimeFacts, CriError>>,
    /// Of those of [`SERVICES`] that are there.
    services: Remembered<BTreeMap<&'static str, ServiceState>>,
    /// What programs said, by command line.
    said: Mutex<BTreeMap<String, Arc<Remembered<Answer>>>>,
}

impl RealMachine {
    /// The machine, with its container runtime.
    pub(crate) fn new(container_runtime: Arc<dyn ContainerRuntime>) -> Self {
        Self {
            host: RealHost::new(),
            container_runtime,
            addresses: Remembered::default(),
            listeners: Remembered::default(),
            processes: Remembered::default(),
            runtime: Remembered::default(),
            services: Remembered::default(),
            said: Mutex::default(),
        }
    }

    /// What the container runtime says of itself; where its service is starting, when it has started.
    fn started_runtime(&self) -> Result<RuntimeFacts, CriError> {
        let start = Instant::now();
        loop {
            let facts = self.container_runtime.facts();
            let Err(error) = &facts else { return facts };
            if !matches!(error.cause, CriCause::NoSocket | CriCause::NotListening) {
                return facts;
            }
            let service = KnownRuntime::of_socket(&error.endpoint.to_string()).service;
            let is_starting = self.host.init_system().is_some_and(|init| init.is_starting(service));
            if !is_starting || start.elapsed() > RUNTIME_START {
                // It may have started between the two questions.
                let came = error.cause == CriCause::NoSocket && error.endpoint.path().exists();
                return if came { self.container_runtime.facts() } else { facts };
            }
            tracing::info!("{service} is starting: waiting for it");
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }
}

impl Machine for RealMachine {
    fn forget(&self) {
        self.addresses.forget();
        self.listeners.forget();
        self.processes.forget();
        self.runtime.forget();
        self.services.forget();
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn cpus(&self) -> usize {
        system::cpus()
    }

    fn memory(&self) -> u64 {
        system::memory()
    }

    fn swaps(&self) -> io::Result<Vec<SwapArea>> {
        system::swaps()
    }

    fn kernel_release(&self) -> String {
        system::kernel_release()
    }

    fn kernel_config(&self) -> Option<KernelConfig> {
        system::kernel_config()
    }

    fn cgroups(&self) -> io::Result<Cgroups> {
        system::cgroups()
    }

    fn addresses(&self) -> io::Result<Vec<InterfaceAddress>> {
        Ok(self.addresses.get_or_measure(|| Ok(net::addresses()?))?)
    }

    fn listeners(&self) -> io::Result<Vec<Listener>> {
        Ok(self.listeners.get_or_measure(|| Ok(net::listeners()?))?)
    }

    fn is_free(&self, port: u16) -> bool {
        net::is_free(port)
    }

    fn listeners_on(&self, port: u16) -> Vec<Listener> {
        let look = |all: &dyn Fn() -> io::Result<Vec<Listener>>| {
            if self.is_free(port) { vec![] } else { net::on_port(all().unwrap_or_default(), port) }
        };
        let mut found = look(&|| self.listeners());
        // Root sees everybody's sockets: one whose process is not to be found is of one that starts or ends right now.
        for _ in 0..if self.is_root() { LOOKS } else { 0 } {
            if found.is_empty() || found.iter().any(|listener| listener.process.is_some()) {
                break;
            }
            std::thread::sleep(BETWEEN_LOOKS);
            found = look(&|| net::listeners());
        }
        found
    }

    fn processes(&self) -> Vec<Process> {
        self.processes.get_or_measure(process::processes)
    }

    fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let found = (host, 0).to_socket_addrs().map_err(|e| e.to_string())?;
        Ok(found.map(|a| a.ip()).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(path)?))
    }

    fn stat(&self, path: &Path) -> io::Result<PathKind> {
        let kind = path.metadata()?.file_type();
        Ok(match kind {
            k if k.is_file() => PathKind::File,
            k if k.is_dir() => PathKind::Dir,
            k if k.is_socket() => PathKind::Socket,
            k if k.is_block_device() => PathKind::BlockDevice,
            k if k.is_char_device() => PathKind::CharDevice,
            _ => PathKind::Other,
        })
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        path.read_link().ok()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match path.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            entries => entries?,
        };
        let names = entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn disk(&self, path: &Path) -> io::Result<Disk> {
        disk::disk(path)
    }

    fn try_write(&self, dir: &Path) -> io::Result<()> {
        disk::try_write(dir)
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        command::find(name)
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<Said, String> {
        let line = format!("{program} {}", args.join(" "));
        let said =
            Arc::clone(self.said.lock().unwrap_or_else(PoisonError::into_inner).entry(line).or_default());
        said.get_or_measure(|| command::run_within(program, args, command::PROGRAM_LIMIT))
    }

    fn init_system(&self) -> Option<&'static str> {
        self.host.init_system().map(|i| i.name())
    }

    fn service(&self, name: &str) -> ServiceState {
        let Some(init) = self.host.init_system() else { return ServiceState::default() };
        if !SERVICES.contains(&name) {
            return init.state(name);
        }
        let states = self.services.get_or_measure(|| {
            let known: Vec<&str> = SERVICES.into_iter().filter(|s| init.may_know(s)).collect();
            known.iter().copied().zip(init.states(&known)).collect()
        });
        states.get(name).copied().unwrap_or_default()
    }

    fn service_log(&self, name: &str) -> Vec<String> {
        self.host.init_system().map(|init| init.recent_log(name, ago(LOG_PERIOD))).unwrap_or_default()
    }

    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn runtime(&self) -> Result<RuntimeFacts, CriError> {
        self.runtime.get_or_measure(|| self.started_runtime())
    }

    fn container_runtime(&self) -> &dyn ContainerRuntime {
        &*self.container_runtime
    }

    fn etcd_version(&self, endpoint: &str, etcd: &ExternalEtcd) -> Result<String, String> {
        etcd_client::version(endpoint, etcd)
    }
}
