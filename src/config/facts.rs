//! What the configuration takes from the machine by default.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The host's folders with CA certificates that kubeadm mounts where they exist, beside `/etc/ssl/certs`, which it
/// mounts always.
pub const CA_DIRS: [&str; 5] = [
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
];

/// Facts of a machine, gathered through `host` and handed to the pure code.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostFacts {
    /// The machine's own name.
    pub hostname: String,
    /// Addresses of the interface that the default route leaves by, the preferred first.
    pub default_addresses: Vec<IpAddr>,
    /// Addresses of the loopback interface that others may reach too, IPv4 first.
    pub loopback_addresses: Vec<IpAddr>,
    /// CRI sockets that exist, of those known.
    pub cri_sockets: Vec<String>,
    /// Folders with CA certificates that exist, of those that kubeadm mounts.
    pub ca_dirs: Vec<String>,
    /// Environment variables `*_proxy`, in any case, that are not empty.
    pub proxy_variables: Vec<(String, String)>,
    /// Whether systemd-resolved runs, so that Pods need another resolv.conf than the host's.
    pub systemd_resolved: bool,
}

impl HostFacts {
    /// What stands for the machine where a configuration is looked at apart from any: the name and address that
    /// `kubeadm config print` shows, and no runtime.
    pub(crate) fn placeholder() -> Self {
        Self {
            hostname: "node".into(),
            default_addresses: vec![
                IpAddr::V4(Ipv4Addr::new(1, 2, 3, 4)),
                // Documentation's prefix (RFC 3849).
                IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
            ],
            ..Self::default()
        }
    }
}
