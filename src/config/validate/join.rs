//! The rules of `JoinConfiguration`.

use super::Validator;
use crate::config::names;
use crate::config::v1beta4::{BootstrapTokenDiscovery, JoinConfiguration};

const JOIN: &str = "JoinConfiguration";

impl Validator<'_> {
    /// What `join` is told, defaults applied. That a discovery file exists is not asked here.
    pub(in crate::config) fn join(&mut self, c: &JoinConfiguration) {
        self.node_registration(JOIN, &c.node_registration);
        self.check(JOIN, "caCertPath", names::absolute_path(&c.ca_cert_path));
        if !c.ca_cert_path.ends_with(".crt") {
            self.error(JOIN, "caCertPath", format!("{:?} must end with `.crt`", c.ca_cert_path));
        }
        if let Some(control_plane) = &c.control_plane {
            let endpoint = &control_plane.local_api_endpoint;
            let address = &endpoint.advertise_address;
            if !address.is_empty() && names::ip(address).is_none() {
                self.error(
                    JOIN,
                    "controlPlane.localAPIEndpoint.advertiseAddress",
                    format!("{address:?} is no IP address: write one such as `192.0.2.10` or `2001:db8::10`"),
                );
            }
            self.bind_port(JOIN, "controlPlane.localAPIEndpoint.bindPort", endpoint.bind_port);
            self.certificate_key(JOIN, "controlPlane.certificateKey", &control_plane.certificate_key);
        }
        let discovery = &c.discovery;
        match (&discovery.bootstrap_token, &discovery.file) {
            (Some(_), Some(_)) => {
                self.error(JOIN, "discovery", "`bootstrapToken` and `file` exclude each other: keep one");
            }
            (None, None) => self.error(JOIN, "discovery", "one of `bootstrapToken` and `file` is needed"),
            (Some(bootstrap), None) => self.discovery_by_token(bootstrap),
            (None, Some(file)) => self.discovery_file(&file.kube_config_path),
        }
        // One that was taken from `bootstrapToken` is told of there.
        let own = discovery.bootstrap_token.as_ref().is_none_or(|b| b.token != discovery.tls_bootstrap_token);
        if own && !discovery.tls_bootstrap_token.is_empty() {
            self.bootstrap_token(JOIN, "discovery.tlsBootstrapToken", &discovery.tls_bootstrap_token);
        }
    }

    fn discovery_by_token(&mut self, c: &BootstrapTokenDiscovery) {
        self.bootstrap_token(JOIN, "discovery.bootstrapToken.token", &c.token);
        let path = "discovery.bootstrapToken.apiServerEndpoint";
        match names::host_port(&c.api_server_endpoint.to_lowercase()) {
            Ok((_, Some(_))) => {}
            Ok((_, None)) => {
                self.error(
                    JOIN,
                    path,
                    format!("{:?} lacks the port: write `host:6443`", c.api_server_endpoint),
                );
            }
            Err(_) if c.api_server_endpoint.is_empty() => {
                self.error(JOIN, path, "is needed: `host:port` of an API server, such as `10.0.0.10:6443`");
            }
            Err(why) => self.error(JOIN, path, why),
        }
        let path = "discovery.bootstrapToken.caCertHashes";
        if c.ca_cert_hashes.is_empty() && !c.unsafe_skip_ca_verification {
            self.error(JOIN, path, "is needed, so that no other cluster can pose as this one: give the digest of its CA's public key (`kubestrap token create --print-join-command` prints it), or set `unsafeSkipCAVerification: true`");
        }
        for (i, hash) in c.ca_cert_hashes.iter().enumerate() {
            let hex = hash.to_lowercase().strip_prefix("sha256:").map(str::to_owned);
            if !hex.is_some_and(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit())) {
                self.error(
                    JOIN,
                    &format!("{path}.{i}"),
                    format!("{hash:?} is no `sha256:` and 64 hexadecimal digits"),
                );
            }
        }
    }

    /// A file's path, or a URL of which only https keeps what is fetched from being replaced on the way.
    fn discovery_file(&mut self, file: &str) {
        let path = "discovery.file.kubeConfigPath";
        match file.split_once("://") {
            _ if file.is_empty() => {
                self.error(JOIN, path, "is needed: a kubeconfig's path, or an https URL of one");
            }
            Some(("https", _)) => self.check(JOIN, path, names::url(file, true)),
            Some(("file", _)) | None => {}
            Some((scheme, _)) => {
                self.error(JOIN, path, format!("{scheme:?} can't be used: only https URLs, or a path"));
            }
        }
    }
}
