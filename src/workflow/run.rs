//! What the steps that workflows share work on.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use time::OffsetDateTime;

use super::changes::Changes;
use super::patches;
use super::seams::Seams;
use super::words::Verb;
use crate::certs::rotation::signing_folder;
use crate::cluster::{self, Cluster, ReadOnly, Recorder};
use crate::config::Settings;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::health::Watch;
use crate::host::{ContainerRuntime, Host, ServiceError};
use crate::manifest::{Component, PkiFacts};
use crate::output::{LiveView, Printer};
use crate::patches::PatchSet;
use crate::pki::{Bundle, KeyPool, is_cut_off};
use crate::preflight::{Checks, Machine};

/// One run of a workflow: settings in, the machine and the cluster to act on, a place to report to. A workflow's own
/// state wraps it.
pub(crate) struct Run {
    /// What is rendered.
    pub(crate) settings: Settings,
    /// The machine, or a dry run of it.
    pub(crate) host: Arc<dyn Host>,
    /// The cluster, or a dry run of it.
    pub(crate) cluster: Box<dyn Cluster>,
    /// What preflight checks measure.
    pub(crate) machine: Arc<dyn Machine>,
    /// What runs preflight checks.
    pub(crate) checks: Box<dyn Checks>,
    /// The container runtime, or a dry run of it.
    pub(crate) runtime: Arc<dyn ContainerRuntime>,
    /// The health of the control plane, or a dry run of it.
    pub(crate) watch: Box<dyn Watch>,
    /// Where to report.
    pub(crate) out: Printer,
    /// When this run began: certificates count from it.
    pub(crate) started: OffsetDateTime,
    /// When this run started kubelet, or had it start a container again, if it did: what was logged and what ended before
    /// tells nothing of this run.
    pub(crate) kubelet_started: Option<SystemTime>,
    /// What this run changed so far.
    pub(crate) changes: Changes,
    /// Keys generated in advance.
    pub(crate) keys: KeyPool,
    /// Unknown patch targets are errors.
    strict: bool,
    /// Holds what a dry run would apply; there is none in a real run.
    recorder: Option<Recorder>,
    /// An earlier run left something: what this one changes of it is shown.
    earlier: bool,
    /// The area of the phase that runs, which its log lines bear.
    area: String,
    /// kubelet is being restarted, which nothing waits for before the end.
    restart: Option<JoinHandle<Result<(), ServiceError>>>,
    patches: OnceCell<PatchSet>,
}

impl Run {
    /// A run at its beginning.
    pub(crate) fn new(settings: Settings, seams: Seams, out: Printer, strict: bool) -> Self {
        let Seams { host, cluster, machine, checks, runtime, watch, keys, recorder } = seams;
        let earlier =
            Component::ALL.iter().any(|c| host.exists(&settings.node.paths.manifests.join(c.file())))
                || host.exists(&settings.node.paths.kubeconfig("kubelet.conf"));
        Self {
            settings,
            host,
            cluster,
            machine,
            checks,
            runtime,
            watch,
            out,
            started: OffsetDateTime::now_utc(),
            kubelet_started: None,
            changes: Changes::default(),
            keys,
            strict,
            recorder,
            earlier,
            area: String::new(),
            restart: None,
            patches: OnceCell::new(),
        }
    }

    /// Takes note of the phase that begins. Its area is the first part of its id.
    pub(super) fn enter(&mut self, id: &str) {
        self.area = id.split('/').next().unwrap_or(id).to_owned();
    }

    /// Has the phase's log lines bear another area, as kubeadm does where one phase does the work of another.
    pub(crate) fn set_area(&mut self, area: &str) {
        area.clone_into(&mut self.area);
    }

    /// Nothing is changed: steps say what they would do.
    fn is_dry(&self) -> bool {
        self.recorder.is_some()
    }

    /// A log line of the phase.
    pub(crate) fn log(&self, text: impl AsRef<str>) {
        self.out.log(&self.area, text);
    }

    /// What changed in what was there before, which kubeadm does not show.
    pub(crate) fn show_change(&self, text: impl AsRef<str>) {
        self.out.remark(&self.area, text);
    }

    /// A log line for what the phase does now, or, in a dry run, would do.
    pub(crate) fn act(&self, verb: Verb, what: impl AsRef<str>) {
        self.log(verb.line(self.is_dry(), what.as_ref()));
    }

    /// A log line for what the phase has achieved: none in a dry run, which achieves nothing.
    pub(crate) fn done(&self, text: impl AsRef<str>) {
        if !self.is_dry() {
            self.log(text);
        }
    }

    /// A line in kubeadm's words for what the phase has achieved, for callers of kubeadm alone.
    pub(crate) fn done_as_kubeadm(&self, text: &str) {
        if !self.is_dry() {
            self.out.kubeadms_line(&self.area, text);
        }
    }

    /// A warning of the phase.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.out.warn(&self.area, text);
    }

    /// What the phase has found.
    pub(crate) fn findings(&self, findings: &[Finding]) {
        self.out.findings(&self.area, findings);
    }

    /// A live view of what the phase waits for; it shows nothing in a dry run, which waits for nothing.
    pub(crate) fn live_view(&self) -> LiveView {
        let out = if self.is_dry() { self.out.quiet() } else { self.out.clone() };
        LiveView::new(&out, &self.area)
    }

    /// Whether an earlier run left a node here.
    pub(crate) fn found_earlier(&self) -> bool {
        self.earlier
    }

    /// A file of the PKI.
    pub(crate) fn certificate_path(&self, file: &str) -> PathBuf {
        self.settings.node.paths.certificates.join(file)
    }

    /// Restarts kubelet in the background: nothing that follows needs it.
    pub(crate) fn restart_kubelet_in_background(&mut self) {
        if self.host.init_system().is_some() {
            let host = Arc::clone(&self.host);
            let restart = move || host.init_system().map_or(Ok(()), |init| init.restart("kubelet"));
            self.restart = Some(std::thread::spawn(restart));
            self.changes.restarted.push("kubelet");
        }
    }

    /// Begins to generate keys of the cluster's algorithm, beside other work, unless that has begun. A dry run whose result nobody keeps makes
    /// one that stands for all.
    pub(crate) fn generate_keys(&mut self, count: usize) {
        let algorithm = self.settings.cluster.algorithm;
        if self.keys.makes(algorithm, count) {
            return;
        }
        self.keys = if self.keys.is_stand_in() {
            KeyPool::stand_in(algorithm, count)
        } else {
            KeyPool::start(algorithm, count)
        };
    }

    /// Makes `cluster` the one that is worked on; a dry run reads it and records what it would write.
    pub(crate) fn join_cluster(&mut self, cluster: Box<dyn Cluster>) {
        self.cluster = match &self.recorder {
            Some(recorder) => Box::new(ReadOnly::new(cluster, recorder.clone())),
            None => cluster,
        };
    }

    /// Reaches the cluster as its administrator from here on, through the control plane's endpoint. A dry run has not
    /// written the administrator's kubeconfig, and goes on as before.
    ///
    /// # Errors
    /// When the kubeconfig can't be used.
    pub(crate) fn reach_as_admin(&mut self) -> Result<(), Error> {
        if self.recorder.is_some() {
            return Ok(());
        }
        let path = self.settings.node.paths.kubeconfig("admin.conf");
        let limit = self.settings.node.timeouts.kubernetes_api;
        let Some(text) = self.host.read(&path)? else { return Ok(()) };
        let text = String::from_utf8_lossy(&text);
        self.cluster = cluster::of_kubeconfig_text(&path.to_string_lossy(), &text, limit)?;
        Ok(())
    }

    /// Waits until kubelet, if it is being restarted, is.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn await_restart(&mut self) -> Result<(), Error> {
        match self.restart.take().map(JoinHandle::join) {
            Some(Ok(restarted)) => Ok(restarted?),
            // The panic was already reported.
            Some(Err(_)) | None => Ok(()),
        }
    }

    /// Reads and parses a certificate file of the PKI, by its name in the folder. One that is cut off counts as missing:
    /// it is generated again.
    ///
    /// # Errors
    /// When it exists but is no certificate.
    pub(crate) fn certificate(&self, file: &str) -> Result<Option<Bundle>, Error> {
        let path = self.certificate_path(file);
        match self.host.read(&path)?.filter(|pem| !is_cut_off(pem)) {
            None => Ok(None),
            Some(pem) => Ok(Some(Bundle::from_pem(&pem).map_err(|e| {
                Error::new(
                    ExitStatus::Failed,
                    format!(
                        "{}: {e}\n  fix: restore it from a backup, or move it away to have it generated again",
                        path.display()
                    ),
                )
            })?)),
        }
    }

    /// What the manifests take from the PKI.
    ///
    /// # Errors
    /// When ca.crt exists but is no certificate.
    pub(crate) fn pki_facts(&self) -> Result<PkiFacts, Error> {
        let ca = self.certificate("ca.crt")?;
        let signing_folder = match &ca {
            Some(ca) => signing_folder(&self.settings.node.paths.certificates, ca, &*self.host)?,
            None => "",
        };
        Ok(PkiFacts { external_ca: self.is_external("ca")?, signing_folder })
    }

    /// Whether a CA is external: its certificate is here and its key is not.
    ///
    /// # Errors
    /// When the certificate's file holds none.
    pub(crate) fn is_external(&self, base: &str) -> Result<bool, Error> {
        let key = self.certificate_path(&format!("{base}.key"));
        let certificate = self.certificate(&format!("{base}.crt"))?;
        Ok(certificate.is_some_and(|c| c.certificate.is_ca()) && !self.host.exists(&key))
    }

    /// The user's patches, read once.
    ///
    /// # Errors
    /// When the folder or a file in it can't be used.
    pub(crate) fn patches(&self) -> Result<&PatchSet, Error> {
        if let Some(set) = self.patches.get() {
            return Ok(set);
        }
        let set = match &self.settings.node.patches {
            None => PatchSet::default(),
            Some(dir) => self.load_patches(dir)?,
        };
        Ok(self.patches.get_or_init(|| set))
    }

    /// Tries the user's patches on what they are for, before anything is written.
    ///
    /// # Errors
    /// As [`Self::patches`], and when one of them can't be applied.
    pub(crate) fn check_patches(&self) -> Result<(), Error> {
        patches::check(self.patches()?, &self.settings)
    }

    fn load_patches(&self, dir: &Path) -> Result<PatchSet, Error> {
        let set = patches::load(dir, self.settings.cluster.release)?;
        for ignored in &set.ignored {
            let message = format!("patches: ignoring {}: {}", ignored.file, ignored.reason);
            if self.strict {
                return Err(Error::new(ExitStatus::Usage, message));
            }
            self.out.warn("patches", message);
        }
        Ok(set)
    }
}

#[cfg(test)]
impl Run {
    /// A dry run on this machine, with the settings of preflight's tests.
    pub(crate) fn for_tests() -> Self {
        use super::seams::DryRun;

        let settings = crate::preflight::test_settings("");
        let DryRun { seams, .. } = Seams::dry(&settings, None, 0).unwrap();
        Self::new(settings, seams, Printer::new(crate::output::Format::Text).quiet(), false)
    }
}
