//! The machine and its container runtime, as the checks ask them.

use std::io::{self, Cursor, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::FakeMachine;
use crate::config::v1beta4::ExternalEtcd;
use crate::host::cri::{CriError, PullError, PullEvent, PullOptions};
use crate::host::disk::Disk;
use crate::host::machine::{Machine, PathKind, RuntimeFacts, Said};
use crate::host::net::{InterfaceAddress, Listener};
use crate::host::process::Process;
use crate::host::system::{Cgroups, KernelConfig, SwapArea};
use crate::host::{ContainerRuntime, ServiceState};

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
