//! A node for tests: its files are real, in a folder; its services and containers only take note of what is done to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use super::StaticPods;
use crate::config::Settings;
use crate::host::cri::{ContainerJob, CriError, JobEnd};
use crate::host::cri::{PullError, PullEvent, PullOptions};
use crate::host::machine::RuntimeFacts;
use crate::host::{
    ContainerRuntime, CriRuntime, FileError, FileMode, Host, InitSystem, RealHost, ServiceError,
    ServiceState, UnmountFlags, Written,
};
use crate::output::{Format, Printer};
use crate::pki::KeyPool;
use crate::workflow::{DryRun, Run, Seams};

/// The node.
#[derive(Default)]
pub(crate) struct FakeNode {
    /// Containers that can't be stopped.
    pub(crate) left: Vec<String>,
    /// Nothing starts and stops services.
    pub(crate) no_init_system: bool,
    /// What was done to it, in order.
    pub(crate) events: Arc<Mutex<Vec<String>>>,
    /// The process ends before this event, from 1, as by kill -9; 0 is never.
    pub(crate) killed_at: usize,
    /// The files below /run, which are this node's own.
    pub(crate) run_files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    /// Is told of each event before it happens.
    pub(crate) observer: Option<Observer>,
}

/// Is told of events.
pub(crate) type Observer = Arc<dyn Fn(&str) + Send + Sync>;

impl FakeNode {
    /// Its static Pods.
    pub(crate) fn pods(&self) -> StaticPods<'_> {
        StaticPods { host: self, runtime: self, node_name: "cp-1" }
    }

    /// A run of these settings that works on it.
    pub(crate) fn run(self: &Arc<Self>, settings: &Settings) -> Run {
        let DryRun { seams, .. } = Seams::dry(settings, None, 0).unwrap();
        let keys = KeyPool::start(settings.cluster.algorithm, 0);
        let seams = seams.with_host(Arc::clone(self) as _).with_keys(keys);
        let mut run = Run::new(settings.clone(), seams, Printer::new(Format::Text).quiet(), false);
        run.runtime = Arc::clone(self) as _;
        run
    }

    /// What was done to it, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    /// The files below /run, if `path` is one.
    fn run_files(&self, path: &Path) -> Option<MutexGuard<'_, BTreeMap<PathBuf, Vec<u8>>>> {
        path.starts_with("/run").then(|| self.run_files.lock().unwrap())
    }

    /// Takes note of something.
    fn note(&self, event: String) {
        if let Some(observer) = &self.observer {
            observer(&event);
        }
        let mut events = self.events.lock().unwrap();
        if events.len() + 1 == self.killed_at {
            drop(events);
            std::panic::resume_unwind(Box::new("killed"));
        }
        events.push(event);
    }
}

impl InitSystem for FakeNode {
    fn name(&self) -> &'static str {
        "systemd"
    }
    fn state(&self, _: &str) -> ServiceState {
        ServiceState { exists: true, active: true, enabled: true }
    }
    fn stop(&self, service: &str) -> Result<(), ServiceError> {
        self.note(format!("stop {service}"));
        Ok(())
    }
    fn restart(&self, service: &str) -> Result<(), ServiceError> {
        self.note(format!("start {service}"));
        Ok(())
    }
    fn enable(&self, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }
    fn disable(&self, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }
    fn recent_log(&self, _: &str, _: SystemTime) -> Vec<String> {
        vec![]
    }
}

impl ContainerRuntime for FakeNode {
    fn facts(&self) -> Result<RuntimeFacts, CriError> {
        CriRuntime::new("unix:///no/such.sock").unwrap().facts()
    }
    fn start_sandbox(&self, _: &str) -> Result<(), CriError> {
        Ok(())
    }
    fn sandbox_removed(&self) -> Result<(), CriError> {
        Ok(())
    }
    fn pull_once(&self, _: &str) -> Result<(), CriError> {
        Ok(())
    }
    fn pull(
        &self,
        _: &[String],
        _: PullOptions,
        _: &mut (dyn FnMut(PullEvent) + Send),
    ) -> Result<Vec<PullError>, CriError> {
        Ok(vec![])
    }
    fn remove_pods(&self) -> Result<usize, Vec<String>> {
        Ok(0)
    }
    fn stop_pod(&self, name: &str, grace: Duration) -> Result<Vec<String>, CriError> {
        self.note(format!("stop {name} within {} s", grace.as_secs()));
        Ok(self.left.clone())
    }
    fn end_containers(&self, name: &str, _: Duration) -> Result<(), CriError> {
        self.note(format!("end {name}"));
        Ok(())
    }
    fn running_image(&self, _: &str, _: &str) -> Result<Option<String>, CriError> {
        Ok(None)
    }
    fn run_to_end(&self, job: &ContainerJob) -> Result<JobEnd, CriError> {
        self.note(format!("run {}", job.name));
        Ok(JobEnd::default())
    }
}

impl Host for FakeNode {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        match self.run_files(path) {
            Some(files) => Ok(files.get(path).cloned()),
            None => RealHost::of_files().read(path),
        }
    }
    fn exists(&self, path: &Path) -> bool {
        match self.run_files(path) {
            Some(files) => files.contains_key(path),
            None => RealHost::of_files().exists(path),
        }
    }
    fn write(&self, path: &Path, content: &[u8], mode: FileMode) -> Result<Written, FileError> {
        if let Some(mut files) = self.run_files(path) {
            files.insert(path.to_owned(), content.to_vec());
            return Ok(Written::Created);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if self.read(path)?.is_none_or(|old| old != content) {
            self.note(format!("write {name}"));
        }
        RealHost::of_files().write(path, content, mode)
    }
    fn keep(&self, _: &Path) -> Result<(), FileError> {
        Ok(())
    }
    fn make_dir(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        RealHost::of_files().make_dir(path, mode)
    }
    fn remove(&self, path: &Path) -> Result<(), FileError> {
        if let Some(mut files) = self.run_files(path) {
            files.remove(path);
            return Ok(());
        }
        if self.exists(path) {
            self.note(format!("remove {}", path.file_name().unwrap_or_default().to_string_lossy()));
        }
        RealHost::of_files().remove(path)
    }
    fn remove_all(&self, path: &Path) -> Result<(), FileError> {
        if self.exists(path) {
            self.note(format!("remove {}", path.file_name().unwrap_or_default().to_string_lossy()));
        }
        RealHost::of_files().remove_all(path)
    }
    fn copy_all(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.note(format!("copy {}", from.file_name().unwrap_or_default().to_string_lossy()));
        RealHost::of_files().copy_all(from, to)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.note(format!("rename {}", from.file_name().unwrap_or_default().to_string_lossy()));
        RealHost::of_files().rename(from, to)
    }
    fn exchange(&self, one: &Path, other: &Path) -> Result<(), FileError> {
        self.note(format!("exchange {}", other.file_name().unwrap_or_default().to_string_lossy()));
        RealHost::of_files().exchange(one, other)
    }
    fn unmount(&self, _: &Path, _: UnmountFlags) -> Result<(), FileError> {
        Ok(())
    }
    fn is_privileged(&self) -> bool {
        true
    }
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        RealHost::of_files().list(path)
    }
    fn init_system(&self) -> Option<&dyn InitSystem> {
        (!self.no_init_system).then_some(self)
    }
}
