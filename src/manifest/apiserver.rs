//! kube-apiserver's static Pod.

use askama::Template;

use super::probe::{Probe, unless_unspecified};
use super::volumes;
use crate::config::Settings;
use crate::config::args::last_value;
use crate::config::v1beta4::{ExternalEtcd, HostPathMount};

#[derive(Template)]
#[template(path = "manifests/kube-apiserver.yml")]
pub(super) struct Manifest<'a> {
    s: &'a Settings,
    etcd: ExternalEtcd,
    /// `authorization-config` and `authorization-mode` exclude each other.
    authorization_config: bool,
    probe: Probe,
    volumes: Vec<HostPathMount>,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(s: &'a Settings) -> Self {
        let mut volumes = volumes::certificates(s);
        let etcd = match (&s.cluster.config.etcd.external, &s.cluster.config.etcd.local) {
            (Some(external), _) => {
                volumes.extend(volumes::external_etcd(s, external));
                external.clone()
            }
            (None, local) => {
                let advertised =
                    local.as_ref().and_then(|l| last_value(&l.extra_args, "advertise-client-urls"));
                let localhost = if s.node.advertise_address.is_ipv6() { "[::1]" } else { "127.0.0.1" };
                ExternalEtcd {
                    endpoints: vec![
                        advertised.map_or_else(|| format!("https://{localhost}:2379"), str::to_owned),
                    ],
                    ca_file: s.certificate_path("etcd/ca.crt"),
                    cert_file: s.certificate_path("apiserver-etcd-client.crt"),
                    key_file: s.certificate_path("apiserver-etcd-client.key"),
                    http_endpoints: vec![],
                }
            }
        };
        let extra = &s.cluster.config.api_server;
        Self {
            s,
            etcd,
            authorization_config: last_value(&extra.extra_args, "authorization-config").is_some(),
            probe: Probe::new(
                s,
                &unless_unspecified(&s.node.advertise_address.to_string()),
                s.node.bind_port,
                "HTTPS",
            ),
            volumes: volumes::merge(volumes, &extra.extra_volumes),
        }
    }
}
