//! The configurations that `config print` shows: kubeadm's defaults, with placeholders where only a user or a machine
//! could tell.

use super::defaults;
use super::facts::HostFacts;
use super::loaded::Loaded;
use super::overrides::Overrides;
use super::problem::ConfigError;
use super::resolve::Resolved;
use super::settings::{DEFAULT_CRI_SOCKET, Settings};
use super::v1beta4::{
    BootstrapToken, BootstrapTokenDiscovery, ClusterConfiguration, JoinConfiguration, ResetConfiguration,
    UpgradeConfiguration,
};
use super::version::KubernetesVersion;

/// kubeadm's placeholder for a bootstrap token: nobody's.
const TOKEN: &str = "abcdef.0123456789abcdef";
/// kubeadm's placeholder for an API server.
const API_SERVER: &str = "kube-apiserver:6443";

/// What `init` makes of no configuration but a version, on the placeholder of a machine.
///
/// # Errors
/// When the defaults are no valid configuration, which would be a fault of ours.
pub(crate) fn init(version: &KubernetesVersion) -> Result<Resolved, ConfigError> {
    let mut loaded = Loaded::default();
    loaded.cluster.kubernetes_version = version.to_string();
    loaded.init.bootstrap_tokens = vec![BootstrapToken { token: TOKEN.into(), ..BootstrapToken::default() }];
    let mut resolved = Settings::resolve(loaded, HostFacts::placeholder(), &Overrides::default())?;
    // kubeadm's default; ours pulls in parallel where nobody asks otherwise.
    resolved.init.node_registration.image_pull_serial = Some(true);
    Ok(resolved)
}

/// The cluster's part, with the version as kubeadm shows it: the first of the minor, without a `v`.
pub(crate) fn cluster(settings: &Settings) -> ClusterConfiguration {
    let version: &KubernetesVersion = &settings.cluster.version;
    ClusterConfiguration {
        kubernetes_version: format!("{}.{}.0", version.major(), version.minor()),
        ..settings.cluster.config.clone()
    }
}

/// For `join` on a machine of this name.
pub(crate) fn join(hostname: &str) -> JoinConfiguration {
    let mut join = JoinConfiguration::default();
    join.node_registration.name = hostname.into();
    join.node_registration.cri_socket = DEFAULT_CRI_SOCKET.into();
    join.discovery.bootstrap_token = Some(BootstrapTokenDiscovery {
        token: TOKEN.into(),
        api_server_endpoint: API_SERVER.into(),
        unsafe_skip_ca_verification: true,
        ..BootstrapTokenDiscovery::default()
    });
    defaults::join(&mut join);
    join
}

/// For `reset`.
pub(crate) fn reset() -> ResetConfiguration {
    let mut reset =
        ResetConfiguration { cri_socket: DEFAULT_CRI_SOCKET.into(), ..ResetConfiguration::default() };
    defaults::reset(&mut reset);
    reset
}

/// For the commands below `upgrade`.
pub(crate) fn upgrade() -> UpgradeConfiguration {
    let mut upgrade = UpgradeConfiguration::default();
    defaults::upgrade(&mut upgrade);
    upgrade
}
