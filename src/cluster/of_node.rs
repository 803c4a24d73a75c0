//! The cluster of this node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Builder;

use super::{Access, Cluster, ClusterError, KubeCluster, KubeconfigFile, LazyCluster};
use crate::config::Settings;

/// The cluster, reached when it is first needed: through this node's own API server as its administrator, or with the
/// user's own kubeconfig. Requests that fail are repeated for `limit`; in a dry run the API server only says what it
/// would make of them. Its tokio runtime lives as long as it is used or being reached.
///
/// # Errors
/// When the runtime can't start its threads.
pub(crate) fn of_node(
    settings: &Settings,
    kubeconfig: Option<PathBuf>,
    limit: Duration,
    dry_run: bool,
) -> std::io::Result<Box<dyn Cluster>> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let admin = settings.node.paths.kubeconfig("admin.conf");
    let super_admin = settings.node.paths.kubeconfig("super-admin.conf");
    let own = kubeconfig.filter(|path| *path != admin);
    let server = format!("https://{}", settings.local_endpoint());
    Ok(Box::new(LazyCluster::new(move || {
        let access = Access {
            runtime: runtime.handle(),
            server: own.is_none().then_some(server.as_str()),
            limit,
            dry_run,
            settled: false,
        };
        let path = own.as_ref().unwrap_or(&admin);
        let text = read(path)?;
        let file = KubeconfigFile { path: &path.to_string_lossy(), text: &text };
        if own.is_some() {
            return KubeCluster::new(&access, file);
        }
        let super_text = if super_admin.exists() { Some(read(&super_admin)?) } else { None };
        let super_path = super_admin.to_string_lossy();
        let super_file = super_text.as_deref().map(|text| KubeconfigFile { path: &super_path, text });
        KubeCluster::as_admin(&access, file, super_file)
    })))
}

/// The cluster of a kubeconfig's file, reached when it is first needed, through the server that it names. Nothing is
/// written to reach it. Requests that fail are repeated for `limit`.
///
/// # Errors
/// When the runtime can't start its threads.
pub(crate) fn of_kubeconfig(kubeconfig: PathBuf, limit: Duration) -> std::io::Result<Box<dyn Cluster>> {
    lazily(limit, false, false, move || Ok((kubeconfig.to_string_lossy().into_owned(), read(&kubeconfig)?)))
}

/// The same, where the API server only says what it would make of what is written (`dryRun=All`).
///
/// # Errors
/// When the runtime can't start its threads.
pub(crate) fn trial_of_kubeconfig(kubeconfig: PathBuf, limit: Duration) -> std::io::Result<Box<dyn Cluster>> {
    lazily(limit, true, true, move || Ok((kubeconfig.to_string_lossy().into_owned(), read(&kubeconfig)?)))
}

/// The same of a kubeconfig's text, which is called `name` in messages. Its API server has been running for a while: what
/// it refuses a client once, it refuses always.
///
/// # Errors
/// When the runtime can't start its threads.
pub(crate) fn of_kubeconfig_text(
    name: &str,
    text: &str,
    limit: Duration,
) -> std::io::Result<Box<dyn Cluster>> {
    let named = (name.to_owned(), text.to_owned());
    lazily(limit, true, false, move || Ok(named.clone()))
}

/// The cluster of the kubeconfig whose name and text `kubeconfig` gives, once it is needed.
fn lazily(
    limit: Duration,
    settled: bool,
    dry_run: bool,
    kubeconfig: impl Fn() -> Result<(String, String), ClusterError> + Send + Sync + 'static,
) -> std::io::Result<Box<dyn Cluster>> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(Box::new(LazyCluster::new(move || {
        let access = Access { runtime: runtime.handle(), server: None, limit, dry_run, settled };
        let (path, text) = kubeconfig()?;
        KubeCluster::new(&access, KubeconfigFile { path: &path, text: &text })
    })))
}

fn read(path: &Path) -> Result<String, ClusterError> {
    let file = path.to_string_lossy().into_owned();
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ClusterError::NoKubeconfig { file },
        _ => ClusterError::Kubeconfig { file, reason: error.to_string() },
    })
}
