//! Facts of the machine that the configuration's defaults are taken from.

use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::{fs, io};

use super::cri::KNOWN_RUNTIMES;
use super::net::InterfaceAddress;
use super::{Host, InitSystem, RealHost, net};
use crate::config::HostFacts;
use crate::config::facts::CA_DIRS;

/// Asks the machine.
pub(crate) fn gather() -> HostFacts {
    let resolved = |init: &dyn InitSystem| init.state("systemd-resolved").active;
    // Without them there is no address to advertise, which is reported.
    let here = net::addresses().unwrap_or_default();
    HostFacts {
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        default_addresses: default_addresses(&here),
        loopback_addresses: global_addresses(&here, "lo"),
        cri_sockets: cri_sockets().into_iter().map(|p| format!("unix://{p}")).collect(),
        ca_dirs: CA_DIRS.iter().filter(|p| Path::new(p).exists()).map(|p| (*p).to_owned()).collect(),
        proxy_variables: std::env::vars()
            .filter(|(n, v)| n.to_lowercase().ends_with("_proxy") && !v.is_empty())
            .collect(),
        systemd_resolved: Path::new("/run/systemd/resolve").exists()
            && RealHost::new().init_system().is_some_and(resolved),
    }
}

/// The sockets of known runtimes that listen, as kubeadm finds them: by connecting. One that only root may ask counts.
/// Where none listens, those that are there: their runtimes may have been stopped.
fn cri_sockets() -> Vec<&'static str> {
    let known: Vec<&str> =
        KNOWN_RUNTIMES.iter().map(|r| r.socket).filter(|p| Path::new(p).exists()).collect();
    let listens = |path: &&str| match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    };
    if known.len() < 2 {
        return known;
    }
    let listening: Vec<&str> = known.iter().copied().filter(listens).collect();
    if listening.is_empty() { known } else { listening }
}

/// Addresses of the interfaces that default routes leave by, IPv4 first: Linux lists its routes in
/// `/proc/net/route` and `/proc/net/ipv6_route`.
///
/// An interface with link-local addresses only has its machine's address on the loopback interface (RFC 5549).
fn default_addresses(here: &[InterfaceAddress]) -> Vec<IpAddr> {
    let v4 = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let v6 = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let of = |names: Vec<String>, want_v6: bool| -> Vec<IpAddr> {
        let by_name = |name: &String| -> Vec<IpAddr> {
            global_addresses(here, name).into_iter().filter(|ip| ip.is_ipv6() == want_v6).collect()
        };
        let lo = Some("lo".to_owned()).filter(|_| !names.is_empty());
        names.iter().chain(&lo).flat_map(by_name).collect()
    };
    let mut found = of(default_interfaces_v4(&v4), false);
    found.extend(of(default_interfaces_v6(&v6), true));
    found
}

/// Addresses of an interface that others may reach, IPv4 first.
fn global_addresses(here: &[InterfaceAddress], interface: &str) -> Vec<IpAddr> {
    let global = |ip: &IpAddr| match ip {
        IpAddr::V4(a) => !a.is_loopback() && !a.is_link_local(),
        IpAddr::V6(a) => !a.is_loopback() && !a.is_unicast_link_local(),
    };
    let found = here.iter().filter(|a| a.interface == interface).map(|a| a.ip);
    let mut found: Vec<IpAddr> = found.filter(global).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

fn default_interfaces_v4(table: &str) -> Vec<String> {
    let mut routes: Vec<(u32, String)> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let f: Vec<&str> = line.split_whitespace().collect();
            let default = *f.get(1)? == "00000000" && *f.get(7)? == "00000000";
            // RTF_UP | RTF_GATEWAY; a default route without a gateway is a point-to-point link, which serves too.
            let up = u32::from_str_radix(f.get(3)?, 16).ok()? & 1 == 1;
            (default && up).then(|| Some((f.get(6)?.parse().ok()?, (*f.first()?).to_owned())))?
        })
        .collect();
    routes.sort();
    routes.into_iter().map(|(_, name)| name).collect()
}

fn default_interfaces_v6(table: &str) -> Vec<String> {
    let mut routes: Vec<(u32, String)> = table
        .lines()
        .filter_map(|line| {
            let f: Vec<&str> = line.split_whitespace().collect();
            let default = f.first()?.bytes().all(|b| b == b'0') && *f.get(1)? == "00";
            let name = *f.get(9)?;
            (default && name != "lo")
                .then(|| Some((u32::from_str_radix(f.get(5)?, 16).ok()?, name.to_owned())))?
        })
        .collect();
    routes.sort();
    routes.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_route_with_the_lowest_metric_comes_first() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(default_interfaces_v4(table), ["eth0", "wlan0"]);
        let table = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
        assert_eq!(default_interfaces_v6(table), ["eth0"]);
        assert!(default_interfaces_v4("garbage\nmore\n").is_empty());
    }
}
