//! Names and addresses that serving certificates bear.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::{Settings, names};
use crate::pki::table::SanKind;

/// Subject alternative names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// DNS names, sorted.
    pub dns: Vec<String>,
    /// Addresses, in kubeadm's order.
    pub ips: Vec<IpAddr>,
}

/// The names of a row.
pub(crate) fn of(s: &Settings, kind: SanKind) -> Names {
    let local = s.cluster.config.etcd.local.clone().unwrap_or_default();
    match kind {
        SanKind::None | SanKind::CommonName => Names::default(),
        SanKind::ApiServer => {
            let domain = &s.cluster.config.networking.dns_domain;
            let mut found = Names {
                dns: vec![
                    s.node_name().to_owned(),
                    "kubernetes".into(),
                    "kubernetes.default".into(),
                    "kubernetes.default.svc".into(),
                    format!("kubernetes.default.svc.{domain}"),
                ],
                ips: vec![s.service_address(1), s.node.advertise_address],
            };
            if let Ok((host, _)) = names::host_port(&s.cluster.config.control_plane_endpoint) {
                found.add(&host);
            }
            found.extra(&s.cluster.config.api_server.cert_sans)
        }
        SanKind::EtcdServer => etcd(s).extra(&local.server_cert_sans),
        SanKind::EtcdPeer => etcd(s).extra(&local.peer_cert_sans),
    }
}

fn etcd(s: &Settings) -> Names {
    Names {
        dns: vec![s.node_name().to_owned(), "localhost".into()],
        ips: vec![s.node.advertise_address, Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
    }
}

impl Names {
    fn add(&mut self, name: &str) {
        match names::ip(name) {
            Some(ip) => self.ips.push(ip),
            None => self.dns.push(name.to_owned()),
        }
    }

    fn extra(mut self, more: &[String]) -> Self {
        for name in more {
            self.add(name);
        }
        self.dns.sort();
        self.dns.dedup();
        let mut seen = vec![];
        self.ips.retain(|ip| {
            let new = !seen.contains(ip);
            seen.push(*ip);
            new
        });
        self
    }
}
