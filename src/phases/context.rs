//! What init's phases work on.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use time::OffsetDateTime;

use super::changes::Changes;
use super::phase::PhaseError;
use super::pull::Pull;
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::health::Watch;
use crate::host::{Host, ServiceError};
use crate::manifest::PkiFacts;
use crate::output::Printer;
use crate::output::closing::Closing;
use crate::patches::PatchSet;
use crate::pki::{Bundle, KeyPool, is_cut_off};
use crate::preflight::{Checks, Machine};

/// What of the command line the phases need beyond the settings.
#[derive(Clone, Debug, Default)]
pub struct InitOptions {
    /// Upload the shared certificates, encrypted.
    pub upload_certs: bool,
    /// Do not print tokens.
    pub skip_token_print: bool,
    /// Do not print the key of the uploaded certificates.
    pub skip_certificate_key_print: bool,
    /// Unknown patch targets are errors.
    pub strict: bool,
}

/// What init's phases work on: settings in, the machine and the cluster to act on, a place to report to.
pub struct InitContext {
    /// Everything that is rendered comes from here.
    pub settings: Settings,
    /// The machine, or a dry run of it.
    pub host: Arc<dyn Host>,
    /// The cluster, or a dry run of it.
    pub cluster: Box<dyn Cluster>,
    /// What preflight measures.
    pub machine: Arc<dyn Machine>,
    /// What runs the checks of that.
    pub checks: Box<dyn Checks>,
    /// What brings images here, or a dry run of it.
    pub images: Box<dyn Pull>,
    /// How the control plane stands, or a dry run of it.
    pub watch: Box<dyn Watch>,
    /// Where to report.
    pub out: Printer,
    /// When this run began: certificates count from it.
    pub started: OffsetDateTime,
    /// When this run started kubelet, if it did: what kubelet logged before is none of this run's.
    pub kubelet_started: Option<SystemTime>,
    /// From the command line.
    pub options: InitOptions,
    /// The key of the uploaded certificates, once there is one; a secret.
    pub certificate_key: Option<String>,
    /// The tokens of the settings are in the cluster.
    pub tokens_stored: bool,
    /// What to say when all is done.
    pub closing: Option<Closing>,
    /// What this run changed so far.
    pub changes: Changes,
    /// Keys made ahead.
    pub keys: KeyPool,
    /// kubelet is being started anew, which nothing waits for before the end.
    pub(super) restart: Option<JoinHandle<Result<(), ServiceError>>>,
    patches: OnceCell<PatchSet>,
}

/// What init's phases act through: the machine and the cluster, or dry runs of them.
pub struct Seams {
    /// The machine.
    pub host: Arc<dyn Host>,
    /// The cluster.
    pub cluster: Box<dyn Cluster>,
    /// What preflight measures.
    pub machine: Arc<dyn Machine>,
    /// What runs the checks of that.
    pub checks: Box<dyn Checks>,
    /// What brings images here.
    pub images: Box<dyn Pull>,
    /// How the control plane stands.
    pub watch: Box<dyn Watch>,
}

impl InitContext {
    /// A context at the begin of a run.
    pub fn new(settings: Settings, seams: Seams, out: Printer, options: InitOptions, keys: KeyPool) -> Self {
        let Seams { host, cluster, machine, checks, images, watch } = seams;
        Self {
            keys,
            restart: None,
            certificate_key: Some(settings.init.certificate_key.clone()).filter(|k| !k.is_empty()),
            settings,
            host,
            cluster,
            machine,
            checks,
            images,
            watch,
            tokens_stored: false,
            closing: None,
            out,
            started: OffsetDateTime::now_utc(),
            kubelet_started: None,
            options,
            changes: Changes::default(),
            patches: OnceCell::new(),
        }
    }

    /// Waits until kubelet, if it is being started anew, is.
    ///
    /// # Errors
    /// When that fails.
    pub fn await_restart(&mut self) -> Result<(), PhaseError> {
        match self.restart.take().map(JoinHandle::join) {
            Some(Ok(restarted)) => Ok(restarted?),
            // A thread that has come to grief has said so itself.
            Some(Err(_)) | None => Ok(()),
        }
    }

    /// Reads and parses a certificate file of the PKI, by its name in the folder. One that is cut off counts as missing:
    /// it is made anew.
    ///
    /// # Errors
    /// When it exists but is no certificate.
    pub fn certificate(&self, file: &str) -> Result<Option<Bundle>, PhaseError> {
        let path = self.settings.paths.certificates.join(file);
        match self.host.read(&path)?.filter(|pem| !is_cut_off(pem)) {
            None => Ok(None),
            Some(pem) => Ok(Some(Bundle::from_pem(&pem).map_err(|e| {
                PhaseError::new(
                    super::Failure::Failed,
                    format!(
                        "{}: {e}; restore it from a backup, or move it away to have it made anew",
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
    pub fn pki_facts(&self) -> Result<PkiFacts, PhaseError> {
        Ok(PkiFacts { external_ca: self.is_external("ca")? })
    }

    /// Whether a CA is external: its certificate is here and its key is not.
    ///
    /// # Errors
    /// When the certificate's file is none.
    pub fn is_external(&self, base: &str) -> Result<bool, PhaseError> {
        let key = self.settings.paths.certificates.join(format!("{base}.key"));
        let certificate = self.certificate(&format!("{base}.crt"))?;
        Ok(certificate.is_some_and(|c| c.certificate.is_ca()) && !self.host.exists(&key))
    }

    /// The user's patches, read once.
    ///
    /// # Errors
    /// When the folder or a file in it can't be used.
    pub fn patches(&self) -> Result<&PatchSet, PhaseError> {
        if let Some(set) = self.patches.get() {
            return Ok(set);
        }
        let set = match self.settings.patches_dir() {
            None => PatchSet::default(),
            Some(dir) => self.load_patches(dir)?,
        };
        Ok(self.patches.get_or_init(|| set))
    }

    /// Tries the user's patches on what they are for, before anything is written.
    ///
    /// # Errors
    /// As [`Self::patches`], and when one of them can't be applied.
    pub fn check_patches(&self) -> Result<(), PhaseError> {
        super::patched::check(self.patches()?, &self.settings)
    }

    fn load_patches(&self, dir: &Path) -> Result<PatchSet, PhaseError> {
        let set = super::patched::load(dir, self.settings.release)?;
        for ignored in &set.ignored {
            let message = format!("patches: {} is not used: {}", ignored.file, ignored.reason);
            if self.options.strict {
                return Err(PhaseError::new(super::Failure::Usage, message));
            }
            self.out.warn("patches", message);
        }
        Ok(set)
    }
}
