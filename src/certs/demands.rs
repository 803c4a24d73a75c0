//! By which names and addresses the servers of a control plane are asked for: read from what lies on the machine, so
//! that a certificate can be held against what its clients will really do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::kubeconfig::Embedded;
use super::managed::Pki;
use super::serving::pod;
use crate::config::names;
use crate::host::Host;
use crate::kubeconfig::ROWS;
use crate::manifest::Component;
use crate::pki::San;

/// A name that a server is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    /// The managed certificate that is shown then.
    pub(super) certificate: &'static str,
    /// The name or address.
    pub(super) name: San,
    /// Who asks.
    pub(super) by: String,
}

/// What the kubeconfigs and manifests of this machine demand.
pub(super) fn demands(pki: &Pki, host: &dyn Host) -> Vec<Demand> {
    let mut found = vec![];
    for row in ROWS {
        let embedded = host.read(&pki.kubeconfigs.join(row.file)).ok().flatten().map(|t| Embedded::parse(&t));
        if let Some(Ok(kubeconfig)) = embedded {
            found.extend(of_urls(
                "apiserver",
                kubeconfig.server(),
                &format!("clients that use {}", row.file),
            ));
        }
    }
    let manifests = pki.kubeconfigs.join("manifests");
    let flag =
        |component: Component, name: &str| pod(&manifests, component, host).and_then(|pod| pod.flag(name));
    if let Some(range) = flag(Component::ApiServer, "service-cluster-ip-range") {
        found.extend(range.split(',').next().and_then(|r| r.parse().ok()).map(|net| Demand {
            certificate: "apiserver",
            name: San::Ip(first_address(net)),
            by: "Pods, through the Service kubernetes".into(),
        }));
        found.push(Demand {
            certificate: "apiserver",
            name: San::Dns("kubernetes.default.svc".into()),
            by: "Pods, through the Service kubernetes".into(),
        });
    }
    if pki.external_etcd {
        return found;
    }
    for (component, name, certificate, by) in [
        (Component::ApiServer, "etcd-servers", "etcd-server", "kube-apiserver"),
        (Component::Etcd, "advertise-client-urls", "etcd-server", "the other members' API servers"),
        (Component::Etcd, "initial-advertise-peer-urls", "etcd-peer", "etcd's other members"),
    ] {
        if let Some(urls) = flag(component, name) {
            found.extend(of_urls(certificate, &urls, by));
        }
    }
    found
}

fn of_urls(certificate: &'static str, urls: &str, by: &str) -> Vec<Demand> {
    let hosts = urls.split(',').filter_map(|url| {
        let authority = url.trim().strip_prefix("https://")?.split('/').next()?;
        let (host, _) = names::host_port(authority).ok()?;
        Some(names::ip(&host).map_or(San::Dns(host), San::Ip))
    });
    hosts.map(|name| Demand { certificate, name, by: by.to_owned() }).collect()
}

fn first_address(net: IpNet) -> IpAddr {
    match net.network() {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).wrapping_add(1)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).wrapping_add(1)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_urls() {
        let names = |urls: &str| -> Vec<String> {
            of_urls("apiserver", urls, "x").iter().map(|d| d.name.to_string()).collect()
        };
        assert_eq!(names("https://192.0.2.2:2379,https://[fd00::1]:2379"), ["192.0.2.2", "fd00::1"]);
        assert_eq!(names("https://api.example.com/path"), ["api.example.com"]);
        assert!(names("http://192.0.2.2:1").is_empty() && names("").is_empty());
        assert_eq!(first_address("10.96.0.0/12".parse().unwrap()).to_string(), "10.96.0.1");
    }
}
