//! The way to a running cluster, for commands that come after init.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::configuration::{self, read_input, unusable};
use crate::cluster::{Access, ClusterError, KubeCluster, KubeconfigFile};
use crate::config::{self, Loaded, Overrides, Problem, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host;
use crate::output::Printer;

/// The administrator's kubeconfig.
pub(crate) const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";

/// A cluster, with the kubeconfig that leads there.
pub(super) struct Reached {
    pub(super) cluster: KubeCluster,
    /// The kubeconfig's text: a secret.
    pub(super) kubeconfig: String,
    /// The cluster's requests run in it.
    runtime: Runtime,
}

impl Reached {
    /// Waits for requests of one's own.
    pub(super) fn block_on<T>(&self, requests: impl Future<Output = T>) -> T {
        self.runtime.block_on(requests)
    }
}

/// Prepares to reach the cluster of a kubeconfig. Requests that fail are repeated for `limit`.
///
/// # Errors
/// When the kubeconfig can't be used.
pub(super) fn connect(path: &Path, limit: Duration) -> Result<Reached, Error> {
    let file = path.to_string_lossy();
    let kubeconfig = std::fs::read_to_string(path)
        .map_err(|e| Error::new(ExitStatus::Failed, format!("the kubeconfig {file} can't be read: {e}")))?;
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let access = Access { runtime: runtime.handle(), server: None, limit, dry_run: false, settled: false };
    let cluster = KubeCluster::new(&access, KubeconfigFile { path: &file, text: &kubeconfig });
    let cluster = cluster.map_err(|error| match error {
        // Its advice is for init's own kubeconfigs.
        ClusterError::Kubeconfig { file, reason } => {
            Error::new(ExitStatus::Failed, format!("the kubeconfig {file} can't be used: {reason}"))
        }
        other => other.into(),
    })?;
    Ok(Reached { cluster, kubeconfig, runtime })
}

/// kubeadm's choice of a kubeconfig where none is named: the first file that is there of `$KUBECONFIG`'s list, else
/// of `~/.kube/config`; then admin.conf.
///
/// # Errors
/// When there is none.
pub(super) fn find_kubeconfig(given: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(path) = given {
        tracing::info!("kubeconfig {}: as asked for", path.display());
        return Ok(path.to_owned());
    }
    let places = kubeconfig_places(std::env::var_os("KUBECONFIG"), std::env::var_os("HOME"));
    let found = places.iter().find(|p| p.exists()).cloned();
    if let Some(path) = &found {
        tracing::info!("kubeconfig {}: the first that exists", path.display());
    }
    found.ok_or_else(|| {
        let names: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
        let message = format!("there is no kubeconfig at {}: name one with --kubeconfig", names.join(" or "));
        Error::new(ExitStatus::Failed, message)
    })
}

fn kubeconfig_places(list: Option<std::ffi::OsString>, home: Option<std::ffi::OsString>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = match list.filter(|l| !l.is_empty()) {
        Some(list) => std::env::split_paths(&list).filter(|p| !p.as_os_str().is_empty()).collect(),
        None => home.into_iter().map(|home| PathBuf::from(home).join(".kube/config")).collect(),
    };
    places.push(ADMIN_CONF.into());
    places
}

/// What a configuration file says; nothing without one.
///
/// # Errors
/// When it can't be read or used.
pub(super) fn load(config: Option<&str>, out: &Printer) -> Result<Loaded, Error> {
    let Some(file) = config else { return Ok(Loaded::default()) };
    let wrong = |e: config::ConfigError| unusable(&e);
    let text =
        read_input(file).map_err(|message| wrong(Problem::new("configuration", "", message).into()))?;
    let loaded = config::load(file, &text).map_err(wrong)?;
    for warning in &loaded.warnings {
        out.warn("config", warning.problem.to_string());
    }
    Ok(loaded)
}

/// Settings for this machine.
///
/// # Errors
/// When the configuration can't be used.
pub(super) fn resolve(mut loaded: Loaded, overrides: &Overrides, out: &Printer) -> Result<Settings, Error> {
    loaded.warnings.clear();
    // Which runtime is used does not matter to these commands.
    let facts = config::HostFacts { cri_sockets: vec![], ..host::gather() };
    Ok(configuration::resolve(loaded, facts, overrides, out)?.settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_s_list_goes_before_home_and_admin_conf_comes_last() {
        let places = |list: Option<&str>, home: Option<&str>| -> Vec<String> {
            let places = kubeconfig_places(list.map(Into::into), home.map(Into::into));
            places.iter().map(|p| p.display().to_string()).collect()
        };
        assert_eq!(places(Some("/a:b:"), Some("/root")), ["/a", "b", ADMIN_CONF]);
        assert_eq!(places(Some(""), Some("/root")), ["/root/.kube/config", ADMIN_CONF]);
        assert_eq!(places(None, None), [ADMIN_CONF]);
    }
}
