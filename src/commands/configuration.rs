//! From a configuration file or flags to settings.

use std::io::Read;

use crate::config::version::{CI, is_label};
use crate::config::{
    self, ConfigError, HostFacts, KubernetesVersion, Loaded, Overrides, Problem, Resolved, Settings,
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

    /// Settings for this machine.
    ///
    /// # Errors
    /// When the configuration can't be used.
    pub(crate) fn resolve(&self, out: &Printer) -> Result<Resolved, Error> {
        let mut loaded = self.load()?;
        resolve_version(&mut loaded.cluster.kubernetes_version, out)?;
        let mut overrides = self.overrides.clone();
        overrides.dry_run |= loaded.init.dry_run;
        resolve(loaded, host::gather(), &overrides, out)
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
        *version = default_version().to_string();
    }
    if !is_label(version) {
        return Ok(());
    }
    match host::label::resolve(version) {
        Ok(found) => *version = format!("{}{found}", if version.starts_with(CI) { CI } else { "" }),
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
