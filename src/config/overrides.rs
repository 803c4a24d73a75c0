//! What of the command line goes beyond the configuration.

use std::path::PathBuf;

use super::profile::Profile;

/// What of the command line goes beyond the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--node-name` wins over the configuration.
    pub node_name: Option<String>,
    /// `--patches` wins over the configuration.
    pub patches: Option<String>,
    /// `--ignore-preflight-errors` adds to the configuration's.
    pub ignore_preflight_errors: Vec<String>,
    /// `--skip-phases` wins over the configuration.
    pub skip_phases: Option<Vec<String>>,
    /// `--kubeconfig-dir`.
    pub kubeconfig_dir: Option<PathBuf>,
    /// A dry run: what the machine lacks is made up, with a warning, since nothing will use it.
    pub dry_run: bool,
    /// It does not matter which container runtime is chosen: nothing will use it.
    pub any_runtime: bool,
    /// Warnings about the configuration are errors.
    pub strict: bool,
    /// `--profile`: settings that are merged under the configuration.
    pub(crate) profile: Option<Profile>,
}
