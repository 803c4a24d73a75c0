//! What configuration files say, before any default.

use super::kube_proxy::KubeProxyConfiguration;
use super::kubelet::KubeletConfiguration;
use super::problem::{Locator, Problem};
use super::v1beta4::{
    ClusterConfiguration, InitConfiguration, JoinConfiguration, ResetConfiguration, UpgradeConfiguration,
};

/// What a configuration file said, before any default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    /// This node and this run.
    pub init: InitConfiguration,
    /// The cluster.
    pub cluster: ClusterConfiguration,
    /// kubelet's configuration, where the file has one.
    pub kubelet: Option<KubeletConfiguration>,
    /// kube-proxy's configuration, where the file has one.
    pub kube_proxy: Option<KubeProxyConfiguration>,
    /// It is what a cluster stores, perhaps since an older release.
    pub stored: bool,
    /// Where what stands.
    pub locator: Locator,
    /// What is odd, but does not stop us.
    pub warnings: Vec<Warning>,
}

/// What `join` was told, by a file or by flags, before any default.
#[derive(Debug, Default)]
pub(crate) struct LoadedJoin {
    /// The configuration.
    pub join: JoinConfiguration,
    /// Where its fields come from.
    pub locator: Locator,
    /// What is odd, but no error.
    pub warnings: Vec<Warning>,
}

/// Something odd about a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    /// What and where.
    pub problem: Problem,
    /// Whether `--strict` makes it an error.
    pub strict: bool,
    /// Whether it is that the API version is deprecated.
    pub deprecation: bool,
}

/// What the documents say that `init` does not read, but other commands do.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// For `join`.
    pub join: Option<JoinConfiguration>,
    /// For `reset`.
    pub reset: Option<ResetConfiguration>,
    /// For `upgrade`.
    pub upgrade: Option<UpgradeConfiguration>,
}
