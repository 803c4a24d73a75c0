//! The kubelet that is installed.

use super::command::{PROGRAM_LIMIT, run_within};
use crate::config::KubernetesVersion;

/// The version of the kubelet in PATH; none where there is none that can be run.
pub(crate) fn installed_version() -> Option<KubernetesVersion> {
    let said = run_within("kubelet", &["--version"], PROGRAM_LIMIT).ok()?;
    if said.success { version_in(&said.stdout) } else { None }
}

/// The version in what `kubelet --version` says: `Kubernetes v1.36.2`.
pub(crate) fn version_in(said: &str) -> Option<KubernetesVersion> {
    said.split_whitespace().last().unwrap_or_default().parse().ok()
}
