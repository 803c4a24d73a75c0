//! The flags of `join` and its phases, without the command line's types, and the configuration that they stand for.

use std::fmt;

use super::load::load_join;
use super::loaded::{LoadedJoin, Warning};
use super::mixed::check_mixed;
use super::overrides::Overrides;
use super::problem::{ConfigError, Locator, Problem};
use super::v1beta4::{BootstrapTokenDiscovery, FileDiscovery, JoinControlPlane, Patches};

/// kubeadm's name of the argument, as its usage writes it.
const ENDPOINT: &str = "[api-server-endpoint]";

/// What the command line of `join` gives. An option that was not given is `None` (a list: empty).
#[derive(Clone, Default)]
#[allow(missing_docs, reason = "each is the flag of its name")]
pub(crate) struct JoinFlags {
    /// The argument: `host:port` of an API server.
    pub endpoint: Option<String>,
    pub config: Option<String>,
    pub apiserver_advertise_address: Option<String>,
    pub apiserver_bind_port: Option<i32>,
    pub certificate_key: Option<String>,
    pub control_plane: Option<bool>,
    pub cri_socket: Option<String>,
    pub discovery_file: Option<String>,
    pub discovery_token: Option<String>,
    pub discovery_token_ca_cert_hash: Vec<String>,
    pub discovery_token_unsafe_skip_ca_verification: Option<bool>,
    pub tls_bootstrap_token: Option<String>,
    /// Both tokens, where they are not given.
    pub token: Option<String>,
    pub node_name: Option<String>,
    pub patches: Option<String>,
    pub ignore_preflight_errors: Vec<String>,
    pub skip_phases: Vec<String>,
    pub dry_run: Option<bool>,
    /// Ours: warnings are errors.
    pub strict: Option<bool>,
}

impl fmt::Debug for JoinFlags {
    /// Without tokens and the certificate key: they are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinFlags")
            .field("endpoint", &self.endpoint)
            .field("config", &self.config)
            .field("control_plane", &self.control_plane)
            .finish_non_exhaustive()
    }
}

impl JoinFlags {
    /// The configuration: from the file, whose text `read` gives, or from the flags.
    ///
    /// # Errors
    /// When the file can't be read or used, or a flag may not stand beside `--config`.
    pub(crate) fn load(
        &self,
        read: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<LoadedJoin, ConfigError> {
        let Some(file) = &self.config else { return Ok(self.configuration()) };
        let mixed: Vec<&str> =
            self.set().into_iter().filter_map(|(flag, beside)| (!beside).then_some(flag)).collect();
        check_mixed(file, &mixed)?;
        let text = read(file).map_err(|why| Problem::new("configuration", "", why))?;
        let mut loaded = load_join(file, &text)?;
        if let Some(endpoint) = self.endpoint.as_ref().filter(|e| !e.is_empty()) {
            let message = format!("ignoring the argument {endpoint:?}: {file} configures the discovery");
            loaded.warnings.push(warning(ENDPOINT, message));
        }
        Ok(loaded)
    }

    /// What goes beyond the configuration, or wins over it.
    pub(crate) fn overrides(&self) -> Overrides {
        let list = |list: &[String]| -> Vec<String> {
            list.iter()
                .flat_map(|l| l.split(','))
                .map(|s| s.trim().to_owned())
                .filter(|s| !s.is_empty())
                .collect()
        };
        Overrides {
            node_name: self.node_name.clone().filter(|name| !name.is_empty()),
            patches: self.patches.clone().filter(|dir| !dir.is_empty()),
            ignore_preflight_errors: list(&self.ignore_preflight_errors),
            // `--skip-phases=` is nothing said.
            skip_phases: Some(list(&self.skip_phases)).filter(|phases| !phases.is_empty()),
            kubeconfig_dir: None,
            dry_run: self.dry_run == Some(true),
            any_runtime: false,
            strict: self.strict == Some(true),
            profile: None,
        }
    }

    /// The flags that were given, sorted by name, and whether kubeadm lets each stand beside `--config`.
    fn set(&self) -> Vec<(&'static str, bool)> {
        [
            (self.apiserver_advertise_address.is_some(), "apiserver-advertise-address", false),
            (self.apiserver_bind_port.is_some(), "apiserver-bind-port", false),
            (self.certificate_key.is_some(), "certificate-key", false),
            (self.control_plane.is_some(), "control-plane", false),
            (self.cri_socket.is_some(), "cri-socket", false),
            (self.discovery_file.is_some(), "discovery-file", false),
            (self.discovery_token.is_some(), "discovery-token", false),
            (!self.discovery_token_ca_cert_hash.is_empty(), "discovery-token-ca-cert-hash", false),
            (
                self.discovery_token_unsafe_skip_ca_verification.is_some(),
                "discovery-token-unsafe-skip-ca-verification",
                false,
            ),
            (self.node_name.is_some(), "node-name", true),
            (self.patches.is_some(), "patches", false),
            (self.tls_bootstrap_token.is_some(), "tls-bootstrap-token", false),
            (self.token.is_some(), "token", false),
        ]
        .into_iter()
        .filter_map(|(given, flag, beside)| given.then_some((flag, beside)))
        .collect()
    }

    /// The configuration that the flags stand for.
    fn configuration(&self) -> LoadedJoin {
        let mut loaded = LoadedJoin { locator: self.locator(), ..LoadedJoin::default() };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let join = &mut loaded.join;
        join.node_registration.cri_socket = text(&self.cri_socket);
        join.patches = self.patches.clone().map(|directory| Patches { directory });
        let control_plane = self.control_plane == Some(true);
        if control_plane {
            let mut control_plane =
                JoinControlPlane { certificate_key: text(&self.certificate_key), ..Default::default() };
            control_plane.local_api_endpoint.advertise_address = text(&self.apiserver_advertise_address);
            control_plane.local_api_endpoint.bind_port = self.apiserver_bind_port.unwrap_or(0);
            join.control_plane = Some(control_plane);
        }
        let discovery = &mut join.discovery;
        discovery.file = self
            .discovery_file
            .clone()
            .filter(|file| !file.is_empty())
            .map(|kube_config_path| FileDiscovery { kube_config_path });
        let token = BootstrapTokenDiscovery {
            token: self.discovery_token.clone().or_else(|| self.token.clone()).unwrap_or_default(),
            api_server_endpoint: text(&self.endpoint),
            ca_cert_hashes: self
                .discovery_token_ca_cert_hash
                .iter()
                .flat_map(|list| list.split(','))
                .map(str::to_owned)
                .collect(),
            unsafe_skip_ca_verification: self.discovery_token_unsafe_skip_ca_verification == Some(true),
        };
        // Without an endpoint kubeadm forgets what else was said about the token, and then misses all of it. Beside a
        // file, `--token` stands for the TLS bootstrap.
        let by_token = !token.api_server_endpoint.is_empty()
            || (discovery.file.is_none() && token != BootstrapTokenDiscovery::default());
        discovery.bootstrap_token = by_token.then_some(token);
        discovery.tls_bootstrap_token =
            self.tls_bootstrap_token.clone().or_else(|| self.token.clone()).unwrap_or_default();
        if !control_plane {
            let flags = ["apiserver-advertise-address", "apiserver-bind-port", "certificate-key"];
            loaded.warnings.extend(self.ignored(&flags, "--control-plane"));
        }
        if !by_token {
            let flags = [
                "discovery-token",
                "discovery-token-ca-cert-hash",
                "discovery-token-unsafe-skip-ca-verification",
            ];
            loaded.warnings.extend(self.ignored(&flags, ENDPOINT));
        }
        loaded
    }

    /// A warning about those of `flags` that were given: they need `needed`, which was not.
    fn ignored(&self, flags: &[&str], needed: &str) -> Option<Warning> {
        let given: Vec<String> =
            self.set().iter().filter(|(f, _)| flags.contains(f)).map(|(f, _)| format!("--{f}")).collect();
        (!given.is_empty())
            .then(|| warning("", format!("ignoring {}: it has no effect without {needed}", given.join(", "))))
    }

    /// Which flag sets which field.
    fn locator(&self) -> Locator {
        let discovery_token = if self.discovery_token.is_some() { "discovery-token" } else { "token" };
        let fields = [
            (self.endpoint.is_some(), "discovery.bootstrapToken.apiServerEndpoint", ENDPOINT),
            (
                self.apiserver_advertise_address.is_some(),
                "controlPlane.localAPIEndpoint.advertiseAddress",
                "apiserver-advertise-address",
            ),
            (
                self.apiserver_bind_port.is_some(),
                "controlPlane.localAPIEndpoint.bindPort",
                "apiserver-bind-port",
            ),
            (self.certificate_key.is_some(), "controlPlane.certificateKey", "certificate-key"),
            (self.cri_socket.is_some(), "nodeRegistration.criSocket", "cri-socket"),
            (self.node_name.is_some(), "nodeRegistration.name", "node-name"),
            (self.discovery_file.is_some(), "discovery.file.kubeConfigPath", "discovery-file"),
            (
                self.discovery_token.is_some() || self.token.is_some(),
                "discovery.bootstrapToken.token",
                discovery_token,
            ),
            (
                !self.discovery_token_ca_cert_hash.is_empty(),
                "discovery.bootstrapToken.caCertHashes",
                "discovery-token-ca-cert-hash",
            ),
            (self.tls_bootstrap_token.is_some(), "discovery.tlsBootstrapToken", "tls-bootstrap-token"),
            (self.patches.is_some(), "patches.directory", "patches"),
        ];
        let flags =
            fields.into_iter().filter(|(given, ..)| *given).map(|(_, field, flag)| (field, flag)).collect();
        Locator { flags, ..Default::default() }
    }
}

fn warning(place: &str, message: String) -> Warning {
    let problem = Problem::new("flag", place, message);
    Warning { problem, strict: true, deprecation: false }
}

#[cfg(test)]
mod tests;
