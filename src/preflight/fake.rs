//! A machine that answers what a test says; the default is one on which every check is content.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::check::Check;
use super::outcome::Outcome;
use super::subject::Subject;
use super::table::table;
use crate::config::Overrides;
use crate::config::v1beta4::ExternalEtcd;
use crate::config::{HostFacts, Settings, load};
use crate::finding::{Finding, Severity};
use crate::host::cri::runtime::Condition;
use crate::host::cri::{CgroupDriver, CriCause, CriError, ImageInfo, RuntimeStatus, RuntimeVersion};
use crate::host::cri::{PullError, PullEvent, PullOptions};
use crate::host::disk::Disk;
use crate::host::machine::{Machine, PathKind, RuntimeFacts, Said};
use crate::host::net::{InterfaceAddress, Listener};
use crate::host::process::Process;
use crate::host::system::{Cgroups, KernelConfig, SwapArea};
use crate::host::{ContainerRuntime, ServiceState};
use crate::kubelet::{DROP_IN, UNIT};

#[derive(Clone)]
pub(super) struct FakeMachine {
    pub(super) root: bool,
    pub(super) cpus: usize,
    pub(super) memory: u64,
    pub(super) swaps: Vec<SwapArea>,
    pub(super) kernel_release: String,
    pub(super) kernel_config: Option<KernelConfig>,
    pub(super) cgroups: Cgroups,
    pub(super) addresses: Vec<InterfaceAddress>,
    pub(super) listeners: Vec<Listener>,
    pub(super) processes: Vec<Process>,
    pub(super) resolves: Result<Vec<IpAddr>, String>,
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) dirs: BTreeMap<PathBuf, Vec<String>>,
    /// Paths that exist and can't be read.
    pub(super) unreadable: BTreeMap<PathBuf, io::ErrorKind>,
    pub(super) links: BTreeMap<PathBuf, PathBuf>,
    pub(super) disks: BTreeMap<PathBuf, Disk>,
    pub(super) write_errors: BTreeMap<PathBuf, io::ErrorKind>,
    pub(super) programs: Vec<String>,
    pub(super) says: BTreeMap<String, Said>,
    pub(super) init_system: Option<&'static str>,
    pub(super) services: BTreeMap<String, ServiceState>,
    pub(super) logs: BTreeMap<String, Vec<String>>,
    pub(super) runtime: Result<RuntimeFacts, CriError>,
    pub(super) sandbox: BTreeMap<String, CriError>,
    pub(super) pull: Result<(), CriError>,
    pub(super) etcd: Result<String, String>,
}

impl FakeMachine {
    pub(super) fn healthy() -> Self {
        let said = |stdout: &str| Said { success: true, stdout: stdout.into(), stderr: String::new() };
        let running = ServiceState { exists: true, active: true, enabled: true };
        let text = |t: &str| t.as_bytes().to_vec();
        Self {
            root: true,
            cpus: 2,
            memory: 4 << 30,
            swaps: vec![],
            kernel_release: "6.12.48+deb13-amd64".into(),
            kernel_config: Some(KernelConfig {
                path: "/boot/config-6.12.48".into(),
                options: super::machine::kernel::OPTIONS
                    .iter()
                    .flat_map(|o| o.names)
                    .map(|n| ((*n).to_owned(), "y".to_owned()))
                    .collect(),
            }),
            cgroups: Cgroups {
                version: 2,
                controllers: "cpu cpuset io memory hugetlb pids devices freezer"
                    .split(' ')
                    .map(str::to_owned)
                    .collect(),
            },
            addresses: [("lo", "127.0.0.1"), ("eth0", "192.0.2.10")]
                .map(|(i, a)| InterfaceAddress { interface: i.into(), ip: a.parse().unwrap() })
                .to_vec(),
            listeners: vec![],
            processes: vec![],
            resolves: Ok(vec!["192.0.2.10".parse().unwrap()]),
            files: BTreeMap::from([
                ("/proc/sys/net/ipv4/ip_forward".into(), text("1\n")),
                ("/proc/sys/net/ipv6/conf/default/forwarding".into(), text("1\n")),
                ("/proc/sys/net/bridge/bridge-nf-call-iptables".into(), text("1\n")),
                ("/proc/filesystems".into(), text("nodev\toverlay\n")),
                ("/etc/resolv.conf".into(), text("nameserver 192.0.2.53\n")),
            ]),
            dirs: BTreeMap::from([("/run/systemd/system".into(), vec![])]),
            unreadable: BTreeMap::new(),
            links: BTreeMap::new(),
            disks: BTreeMap::new(),
            write_errors: BTreeMap::new(),
            programs: ["losetup", "mount", "cp", "kubelet", "containerd"].map(str::to_owned).to_vec(),
            says: BTreeMap::from([
                ("kubelet --version".into(), said("Kubernetes v1.36.2\n")),
                (
                    "systemctl cat kubelet".into(),
                    said(&format!(
                        "# /usr/lib/systemd/system/kubelet.service\n{UNIT}\n# /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf\n{DROP_IN}\n"
                    )),
                ),
                (
                    "timedatectl show --property=NTPSynchronized --property=NTP".into(),
                    said("NTP=yes\nNTPSynchronized=yes\n"),
                ),
            ]),
            init_system: Some("systemd"),
            logs: BTreeMap::new(),
            services: BTreeMap::from([("kubelet".into(), running), ("containerd".into(), running)]),
            runtime: Ok(RuntimeFacts {
                version: RuntimeVersion {
                    name: "containerd".into(),
                    version: "v2.1.4".into(),
                    api_version: "v1".into(),
                },
                status: RuntimeStatus {
                    conditions: vec![Condition {
                        kind: "RuntimeReady".into(),
                        status: true,
                        reason: String::new(),
                        message: String::new(),
                    }],
                    info: BTreeMap::new(),
                },
                cgroup_driver: Ok(Some(CgroupDriver::Systemd)),
                images: vec![image("registry.k8s.io/pause:3.10.2", true)],
                image_dir: Some("/var/lib/containerd".into()),
            }),
            sandbox: BTreeMap::new(),
            pull: Ok(()),
            etcd: Ok(r#"{"etcdserver":"3.6.8","etcdcluster":"3.6.0"}"#.into()),
        }
    }

    /// The healthy machine with one thing changed.
    pub(super) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut machine = Self::healthy();
        change(&mut machine);
        machine
    }

    pub(super) fn file(&mut self, path: &str, content: impl AsRef<[u8]>) {
        self.files.insert(path.into(), content.as_ref().to_vec());
    }

    /// What the check `name` of an init finds here.
    pub(super) fn check(&self, name: &str, settings: &Settings) -> Vec<Finding> {
        self.outcome(name, &Subject::init(settings)).findings
    }

    /// What comes of the check `name`: of all rows of that name.
    pub(super) fn outcome(&self, name: &str, subject: &Subject) -> Outcome {
        let mut rows: Vec<Check> = table(subject);
        rows.retain(|c| c.name == name);
        assert!(!rows.is_empty(), "no row {name}");
        let mut all = Outcome::default();
        for row in rows {
            let Outcome { findings, unmeasured } = row.run(subject, self);
            all.findings.extend(findings);
            all.unmeasured.extend(unmeasured);
        }
        all
    }

    /// The one finding of the row `name`.
    pub(super) fn finding(&self, name: &str, settings: &Settings) -> Finding {
        let mut found = self.check(name, settings);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }
}

/// Settings from the text of a configuration: `cp-1` at 192.0.2.10, Kubernetes 1.36.2 where it says nothing else.
pub(crate) fn settings(config: &str) -> Settings {
    let facts = HostFacts { hostname: "cp-1".into(), ..HostFacts::default() };
    settings_on(config, facts)
}

pub(super) fn settings_on(config: &str, facts: HostFacts) -> Settings {
    let mut facts = facts;
    facts.default_addresses = vec!["192.0.2.10".parse().unwrap()];
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    let version = if config.contains("kubernetesVersion") { "" } else { "kubernetesVersion: v1.36.2\n" };
    let text = match config.split_once("---\n") {
        Some((head, rest)) => format!("{cluster}{version}{head}---\n{rest}"),
        None => format!("{cluster}{version}{config}"),
    };
    let loaded = load("test", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    Settings::resolve(loaded, facts, &Overrides::default()).unwrap_or_else(|e| panic!("{e}")).settings
}

pub(super) fn image(name: &str, pinned: bool) -> ImageInfo {
    ImageInfo { id: name.into(), repo_tags: vec![name.into()], repo_digests: vec![], size: 1, pinned }
}

pub(crate) fn cri_error(call: &'static str, cause: CriCause) -> CriError {
    CriError { endpoint: "unix:///run/containerd/containerd.sock".parse().unwrap(), call, cause }
}

pub(super) fn process(pid: u32, command: &str) -> Process {
    let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let name = command[0].rsplit('/').next().unwrap().to_owned();
    Process { pid, name, command, unit: None, on_host: true }
}

/// The severities of findings.
pub(super) fn severities(findings: &[Finding]) -> Vec<Severity> {
    findings.iter().map(|f| f.severity).collect()
}

impl Machine for FakeMachine {
    fn is_root(&self) -> bool {
        self.root
    }
    fn cpus(&self) -> usize {
        self.cpus
    }
    fn memory(&self) -> u64 {
        self.memory
    }
    fn swaps(&self) -> io::Result<Vec<SwapArea>> {
        Ok(self.swaps.clone())
    }
    fn kernel_release(&self) -> String {
        self.kernel_release.clone()
    }
    fn kernel_config(&self) -> Option<KernelConfig> {
        self.kernel_config.clone()
    }
    fn cgroups(&self) -> io::Result<Cgroups> {
        Ok(self.cgroups.clone())
    }
    fn addresses(&self) -> io::Result<Vec<InterfaceAddress>> {
        Ok(self.addresses.clone())
    }
    fn listeners(&self) -> io::Result<Vec<Listener>> {
        Ok(self.listeners.clone())
    }
    fn processes(&self) -> Vec<Process> {
        self.processes.clone()
    }
    fn resolve(&self, _host: &str) -> Result<Vec<IpAddr>, String> {
        self.resolves.clone()
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        if let Some(kind) = self.unreadable.get(path) {
            return Err((*kind).into());
        }
        match self.files.get(path) {
            Some(content) => Ok(Box::new(Cursor::new(content.clone()))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
    fn stat(&self, path: &Path) -> io::Result<PathKind> {
        if let Some(kind) = self.unreadable.get(path) {
            return Err((*kind).into());
        }
        let dir = self.dirs.contains_key(path) || self.files.keys().any(|f| f != path && f.starts_with(path));
        match self.files.get(path) {
            Some(_) => Ok(PathKind::File),
            None if dir => Ok(PathKind::Dir),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
    fn link(&self, path: &Path) -> Option<PathBuf> {
        self.links.get(path).cloned()
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        Ok(self.dirs.get(path).cloned().unwrap_or_default())
    }
    fn disk(&self, path: &Path) -> io::Result<Disk> {
        let on = self.disks.iter().filter(|(mount, _)| path.starts_with(mount));
        let disk = on.max_by_key(|(mount, _)| mount.as_os_str().len()).map(|(_, d)| d.clone());
        Ok(disk.unwrap_or(Disk {
            mount_point: "/".into(),
            device: "/dev/vda1".into(),
            bytes: 100 << 30,
            bytes_free: 50 << 30,
            inodes: 1_000_000,
            inodes_free: 900_000,
        }))
    }
    fn try_write(&self, dir: &Path) -> io::Result<()> {
        self.write_errors.get(dir).map_or(Ok(()), |kind| Err((*kind).into()))
    }
    fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs.iter().find(|p| *p == name).map(|p| format!("/usr/bin/{p}").into())
    }
    fn run(&self, program: &str, args: &[&str]) -> Result<Said, String> {
        let line = [&[program], args].concat().join(" ");
        self.says.get(&line).cloned().ok_or_else(|| "No such file or directory (os error 2)".into())
    }
    fn init_system(&self) -> Option<&'static str> {
        self.init_system
    }
    fn service(&self, name: &str) -> ServiceState {
        self.services.get(name).copied().unwrap_or_default()
    }
    fn service_log(&self, name: &str) -> Vec<String> {
        self.logs.get(name).cloned().unwrap_or_default()
    }
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
    fn runtime(&self) -> Result<RuntimeFacts, CriError> {
        self.runtime.clone()
    }
    fn container_runtime(&self) -> &dyn ContainerRuntime {
        self
    }
    fn etcd_version(&self, _endpoint: &str, _etcd: &ExternalEtcd) -> Result<String, String> {
        self.etcd.clone()
    }
}

/// The machine is its own container runtime.
impl ContainerRuntime for FakeMachine {
    fn facts(&self) -> Result<RuntimeFacts, CriError> {
        self.runtime.clone()
    }
    fn start_sandbox(&self, parent: &str) -> Result<(), CriError> {
        self.sandbox.get(parent).map_or(Ok(()), |e| Err(e.clone()))
    }
    fn sandbox_removed(&self) -> Result<(), CriError> {
        Ok(())
    }
    fn pull_once(&self, _image: &str) -> Result<(), CriError> {
        self.pull.clone()
    }
    fn pull(
        &self,
        _images: &[String],
        _options: PullOptions,
        _progress: &mut (dyn FnMut(PullEvent) + Send),
    ) -> Result<Vec<PullError>, CriError> {
        self.pull.clone().map(|()| vec![])
    }
    fn remove_pods(&self) -> Result<usize, Vec<String>> {
        Ok(0)
    }
    fn stop_pod(&self, _: &str, _: std::time::Duration) -> Result<Vec<String>, CriError> {
        Ok(vec![])
    }
    fn end_containers(&self, _: &str, _: std::time::Duration) -> Result<(), CriError> {
        Ok(())
    }
    fn running_image(&self, _: &str, _: &str) -> Result<Option<String>, CriError> {
        Ok(None)
    }
    fn run_to_end(&self, _: &crate::host::cri::ContainerJob) -> Result<crate::host::cri::JobEnd, CriError> {
        Ok(crate::host::cri::JobEnd::default())
    }
}
