//! From a configuration file or flags to settings.

use std::io::Read;

use super::facts::facts;
use crate::config::v1beta4::{ApiEndpoint, NodeRegistrationOptions};
use crate::config::version::{CI, is_label};
use crate::config::{
    self, ConfigError, HostFacts, KubernetesVersion, Loaded, NodeSettings, Overrides, Problem, Resolved,
    Settings,
};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host;
use crate::output::Printer;

/// A configuration as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// Where it comes from.
    pub(crate) source: Source,
    /// What wins over it, or adds to it.
    pub(crate) overrides: Overrides,
}

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A file; `-` is standard input.
    File(String),
    /// Flags, which make this configuration.
    Flags(Box<Loaded>),
}

impl Configuration {
    /// Reads it.
    ///
    /// # Errors
    /// When the file can't be read or used.
    pub(crate) fn load(&self) -> Result<Loaded, Error> {
        match &self.source {
            Source::Flags(loaded) => Ok((**loaded).clone()),
            Source::File(file) => {
                let text = read_input(file)
                    .map_err(|message| unusable(&Problem::new("configuration", "", message).into()))?;
                config::load(file, &text).map_err(|e| unusable(&e))
            }
        }
    }

    /// Settings for this machine; `needs_runtime` tells whether it matters which container runtime is chosen.
    ///
    /// # Errors
    /// When the configuration can't be used.
    pub(crate) fn resolve(&self, needs_runtime: bool, out: &Printer) -> Result<Resolved, Error> {
        let mut loaded = self.load()?;
        resolve_version(&mut loaded.cluster.kubernetes_version, out)?;
        let mut overrides = self.overrides.clone();
        overrides.dry_run |= loaded.init.dry_run;
        overrides.any_runtime = !needs_runtime;
        let asked =
            Asked::new(&loaded.init.node_registration, Some(&loaded.init.local_api_endpoint), &overrides);
        let resolved = resolve(loaded, facts(), &overrides, out)?;
        asked.log(&resolved.settings.node);
        Ok(resolved)
    }
}

/// What a configuration or the command line says of the node; empty where the machine is asked.
pub(super) struct Asked {
    name: String,
    cri_socket: String,
    /// None of a worker, which advertises no address.
    address: Option<String>,
}

impl Asked {
    pub(super) fn new(
        registration: &NodeRegistrationOptions,
        endpoint: Option<&ApiEndpoint>,
        overrides: &Overrides,
    ) -> Self {
        Self {
            name: overrides.node_name.as_ref().unwrap_or(&registration.name).clone(),
            cri_socket: registration.cri_socket.clone(),
            address: endpoint.map(|endpoint| endpoint.advertise_address.clone()),
        }
    }

    /// Logs what was chosen, and why.
    pub(super) fn log(&self, node: &NodeSettings) {
        let why = |asked: &String, otherwise| if asked.is_empty() { otherwise } else { "as configured" };
        let socket = if node.facts.cri_sockets.is_empty() {
            "the default, since no known socket exists"
        } else {
            "which exists on this machine"
        };
        tracing::info!("node name {}: {}", node.registration.name, why(&self.name, "the host name"));
        tracing::info!("CRI socket {}: {}", node.registration.cri_socket, why(&self.cri_socket, socket));
        if let Some(asked) = &self.address {
            let why = why(asked, "of the interface with the default route");
            tracing::info!("advertise address {}: {why}", node.advertise_address);
        }
    }
}

/// Settings for a machine of these facts; warnings are told.
///
/// # Errors
/// When the configuration can't be used.
pub(crate) fn resolve(
    loaded: Loaded,
    facts: HostFacts,
    overrides: &Overrides,
    out: &Printer,
) -> Result<Resolved, Error> {
    let resolved = Settings::resolve(loaded, facts, overrides).map_err(|e| unusable(&e))?;
    for warning in &resolved.warnings {
        out.warn("config", warning.problem.to_string());
    }
    Ok(resolved)
}

/// The error for a configuration that can't be used.
pub(crate) fn unusable(error: &ConfigError) -> Error {
    Error::new(ExitStatus::Usage, format!("the configuration can't be used:\n{error}"))
}

/// The version to set up where nobody names one: it follows the installed kubelet.
pub(crate) fn default_version() -> KubernetesVersion {
    config::default_version(host::kubelet::installed_version().as_ref())
}

/// Names the default where no version is named, and resolves a label such as `stable-1.36`: the only thing that ever asks
/// the internet. Where it can't be asked, the default is used, as by kubeadm, unless the label names another minor.
///
/// # Errors
/// When the label names another minor than the default, and can't be looked up.
pub(crate) fn resolve_version(version: &mut String, out: &Printer) -> Result<(), Error> {
    if version.is_empty() {
        let kubelet = host::kubelet::installed_version();
        *version = config::default_version(kubelet.as_ref()).to_string();
        match kubelet {
            Some(kubelet) => tracing::info!("Kubernetes version {version}: kubelet {kubelet} is installed"),
            None => tracing::info!("Kubernetes version {version}: the default, since no kubelet is in PATH"),
        }
    }
    if !is_label(version) {
        return Ok(());
    }
    tracing::info!("Kubernetes version {version:?} is a label: looking it up");
    match host::label::resolve(version) {
        Ok(found) => {
            tracing::info!("Kubernetes version {found}: what {version:?} stands for now");
            *version = format!("{}{found}", if version.starts_with(CI) { CI } else { "" });
        }
        Err(why) => {
            let default = default_version();
            let minor = version.rsplit_once("-1.").map(|(_, minor)| minor);
            if minor.is_some_and(|minor| minor.parse() != Ok(default.minor())) {
                let message = format!(
                    "could not look up the Kubernetes version {version:?}: {why}; give the version itself, such as `v1.35.0`"
                );
                return Err(Error::new(ExitStatus::Usage, message));
            }
            out.warn("version", format!("could not look up {version:?} ({why}); using {default}"));
            *version = default.to_string();
        }
    }
    Ok(())
}

/// A file's text; `-` is standard input. What is not text, or far too large, is refused here.
///
/// # Errors
/// In words.
pub(crate) fn read_input(file: &str) -> Result<String, String> {
    /// No configuration comes near it; reading stops there, so that no file makes us run out of memory.
    const LIMIT: u64 = 8 << 20;
    let mut bytes = vec![];
    let read = if file == "-" {
        std::io::stdin().take(LIMIT).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(LIMIT).read_to_end(&mut bytes))
    };
    read.map_err(|e| format!("{file}: can't be read: {e}"))?;
    if bytes.len() as u64 >= LIMIT {
        return Err(format!("{file}: is larger than {} MiB, which no configuration is", LIMIT >> 20));
    }
    String::from_utf8(bytes)
        .map_err(|e| format!("{file}: is not text: byte {} is not UTF-8", e.utf8_error().valid_up_to() + 1))
}
