//! Addresses and ports of Services, and the address that the Service `kubernetes` leads to.

use super::super::super::rule::{Judge, numeric};
use super::super::super::{gates, kind};
use super::super::common::set_gates;
use crate::config::names;

pub(super) fn ports(judge: &mut Judge<'_>, made_up_address: bool) {
    let command = judge.command;
    let port = command.value("kubernetes-service-node-port").and_then(numeric).filter(|port| *port > 0.0);
    let range = command.value("service-node-port-range").unwrap_or("30000-32767");
    if let (Some(port), Ok((first, last)), Some(given)) =
        (port, kind::port_range(range), command.last("kubernetes-service-node-port"))
        && !(f64::from(first)..=f64::from(last)).contains(&port)
    {
        judge.refuse(
            "flag-pair",
            given,
            format!("{port} is outside `--service-node-port-range`, {first}-{last}"),
        );
    }
    let ranges: Vec<_> = command.items("service-cluster-ip-range").collect();
    let networks: Vec<_> = ranges.iter().map(|(cidr, _)| names::cidr(cidr)).collect();
    let families: Vec<Option<bool>> =
        networks.iter().map(|network| network.map(|network| network.addr().is_ipv6())).collect();
    // An allocator that keeps all addresses of a range in one object.
    let set = set_gates(judge);
    let small = ["MultiCIDRServiceAllocator", "DisableAllocatorDualWrite"]
        .iter()
        .any(|gate| !gates::enabled(&set, gate, command.minor));
    // The configuration's own range is judged with it.
    if let Some(given) = command.last("service-cluster-ip-range").filter(|given| command.is_users(given)) {
        for ((cidr, _), network) in ranges.iter().zip(&networks) {
            match network {
                None => {
                    judge.refuse("flag-type", given, format!("{cidr:?} is not a CIDR: write `10.96.0.0/12`"))
                }
                Some(network) if network.max_prefix_len() - network.prefix_len() < 3 => {
                    judge.refuse("flag-range", given, format!("{cidr} must have at least 8 addresses"));
                }
                Some(network) if small && network.max_prefix_len() - network.prefix_len() > 20 => {
                    let least = network.max_prefix_len() - 20;
                    let why = format!("{cidr} is too large: its mask must be /{least} or longer");
                    judge.refuse("flag-range", given, why);
                }
                Some(_) => {}
            }
        }
        match families.as_slice() {
            [_, _, _, ..] => judge.refuse("flag-value", given, "must not have more than two CIDRs"),
            [Some(a), Some(b)] if a == b => {
                judge.refuse("flag-value", given, "the two CIDRs must be of different families");
            }
            _ => {}
        }
    }
    let users = command.last("advertise-address").is_some_and(|given| command.is_users(given));
    if users || !made_up_address {
        family(judge, families.first().copied().flatten());
    }
}

/// The Service `kubernetes` has an address of the first range's family, and the API server's address as its endpoint.
fn family(judge: &mut Judge<'_>, ipv6_services: Option<bool>) {
    let command = judge.command;
    if command.value("endpoint-reconciler-type") == Some("none") {
        return;
    }
    let Some(given) = command.last("advertise-address") else { return };
    let (Some(ipv6_services), Some(address)) = (ipv6_services, names::ip(given.value.trim())) else { return };
    if address.is_ipv6() != ipv6_services && !address.is_unspecified() {
        let family = |ipv6: bool| if ipv6 { "IPv6" } else { "IPv4" };
        let why = format!(
            "{address} is of {}, but Services are of {} (`--service-cluster-ip-range`): their families must be the same",
            family(address.is_ipv6()),
            family(ipv6_services)
        );
        judge.refuse("address-family", given, why);
    }
}
