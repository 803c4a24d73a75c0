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
            self.bind_port(JOIN, "controlPlane.localAPIEndpoint.bindPort", endpoint.bind_port);
            self.certificate_key(JOIN, "controlPlane.certificateKey", &control_plane.certificate_key);
        }
        let discovery = &c.discovery;
        match (&discovery.bootstrap_token, &discovery.file) {
            (Some(_), Some(_)) => {
                self.error(JOIN, "discovery", "`bootstrapToken` and `file` exclude each other: keep one");
            }
            (None, None) => self.error(JOIN, "discovery", "one of `bootstrapToken` and `file` is needed: give the endpoint of an API server and a token (`kubestrap token create --print-join-command` on a control-plane node prints both), or `--discovery-file`"),
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
        self.check(JOIN, "discovery.bootstrapToken.apiServerEndpoint", api_server(&c.api_server_endpoint));
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
                    format!("{hash:?} is not `sha256:` and 64 hexadecimal digits"),
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
            _ if names::is_https(file) => self.check(JOIN, path, names::url(file, true)),
            Some(("file", _)) | None => {}
            Some((scheme, _)) => {
                self.error(JOIN, path, format!("{scheme:?} can't be used: only https URLs, or a path"));
            }
        }
    }
}

/// `host:port` of an API server. Of the host's form nothing more is asked than that it can be one: whether it resolves
/// turns out soon enough.
fn api_server(endpoint: &str) -> Result<(), String> {
    if endpoint.is_empty() {
        return Err("is needed: `host:port` of an API server, such as `10.0.0.10:6443`".into());
    }
    if let Some((_, rest)) = endpoint.split_once("://") {
        let bare = rest.trim_end_matches('/');
        return Err(format!("{endpoint:?}: write `host:port` without a scheme, `{bare}`"));
    }
    let (host, port) = match endpoint.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None if names::ip(endpoint).is_some_and(|ip| ip.is_ipv6()) => {
            return Err(format!("{endpoint:?} lacks the port: write `[{endpoint}]:6443`"));
        }
        None => endpoint.rsplit_once(':').map_or((endpoint, None), |(host, port)| (host, Some(port))),
    };
    let Some(port) = port.filter(|p| !p.is_empty()) else {
        return Err(format!(
            "{endpoint:?} lacks the port: write `{endpoint}:6443`",
            endpoint = endpoint.trim_end_matches(':')
        ));
    };
    if !port.bytes().all(|b| b.is_ascii_digit())
        || port.parse::<u16>().is_ok_and(|n| n == 0)
        || port.parse::<u16>().is_err()
    {
        return Err(format!("{endpoint:?}: the port {port:?} is not a number from 1 to 65535"));
    }
    let named = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if names::ip(host).is_none() && (host.is_empty() || !host.chars().all(named)) {
        return Err(format!("{endpoint:?}: {host:?} is neither an IP address nor a DNS name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::api_server;

    #[test]
    fn endpoints_of_api_servers() {
        for good in ["10.0.0.1:6443", "[fd00::1]:6443", "cp_1.Lab.test:443", "cp.lab.test.:6443"] {
            assert_eq!(api_server(good), Ok(()), "{good}");
        }
        for (bad, want) in [
            ("", "is needed"),
            ("192.0.2.2", "lacks the port: write `192.0.2.2:6443`"),
            ("192.0.2.2:", "lacks the port: write `192.0.2.2:6443`"),
            ("fd00::1", "write `[fd00::1]:6443`"),
            ("https://192.0.2.2:6443/", "without a scheme, `192.0.2.2:6443`"),
            ("a:0", "not a number"),
            ("a:+1", "not a number"),
            ("a:65536", "not a number"),
            (":6443", "neither an IP address nor a DNS name"),
            ("a b:6443", "neither an IP address nor a DNS name"),
            ("a/b:6443", "neither an IP address nor a DNS name"),
            ("[::1:6443", "neither an IP address nor a DNS name"),
        ] {
            let told = api_server(bad).unwrap_err();
            assert!(told.contains(want), "{told} / {want}");
        }
    }
}
