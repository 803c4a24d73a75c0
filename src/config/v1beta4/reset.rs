//! `ResetConfiguration`: what `reset` is told.

use serde::{Deserialize, Serialize};

use super::Timeouts;

/// What `reset` is told.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ResetConfiguration {
    /// Always [`super::API_VERSION`] once loaded.
    pub api_version: String,
    /// Always `ResetConfiguration`.
    pub kind: String,
    /// Remove `/etc/kubernetes/tmp` too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cleanup_tmp_dir: bool,
    /// Where certificates and keys lie.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificates_dir: String,
    /// The runtime's CRI socket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cri_socket: String,
    /// As the flag `--dry-run`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Without asking first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Preflight checks whose errors are warnings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_preflight_errors: Vec<String>,
    /// Phases to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_phases: Vec<String>,
    /// Flags of `umount2(2)` for what is mounted below kubelet's folder, such as `MNT_FORCE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmount_flags: Vec<String>,
    /// How long to wait for what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
}
