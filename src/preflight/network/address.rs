//! The advertised address is one of this machine's.

use crate::config::args::last_value;
use crate::config::v1beta4::Arg;
use crate::config::{NodeSettings, Settings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::host::net::InterfaceAddress;

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let address = settings.node.advertise_address;
    let here = machine.addresses().unwrap_or_default();
    if here.is_empty() || here.iter().any(|a| a.ip == address) || address.is_loopback() {
        return vec![];
    }
    let usable = here.iter().filter(|a| {
        let link_local = match a.ip {
            std::net::IpAddr::V4(ip) => ip.is_link_local(),
            std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
        // Bridges of containers are on the machine only.
        let internal = ["docker", "cni", "br-", "veth", "virbr", "flannel", "cali", "kube"]
            .iter()
            .any(|prefix| a.interface.starts_with(prefix));
        !a.ip.is_loopback() && !link_local && !internal
    });
    let usable: Vec<String> = usable.map(|a| format!("{} ({})", a.ip, a.interface)).collect();
    let local_etcd = settings.cluster.config.etcd.local.is_some();
    let what = format!("{address}, which the API server is to advertise, is not an address of this machine");
    let finding = if local_etcd {
        Finding::error(what).cause("etcd listens on this address, and can't start without it")
    } else {
        Finding::warning(what)
            .cause("this works only if something forwards this address to the machine (NAT)")
    };
    let choice = match usable.first().and_then(|u| u.split(' ').next()) {
        Some(first) => format!(
            "`--apiserver-advertise-address {first}` or localAPIEndpoint.advertiseAddress; a public address in front of NAT belongs in controlPlaneEndpoint"
        ),
        None => "give the machine an address that other machines can reach".into(),
    };
    let list = if usable.is_empty() { "none".into() } else { usable.join(", ") };
    vec![finding.evidence(format!("addresses that could be advertised: {list}")).fix(choice)]
}

/// Flags that name an address to listen on.
pub(crate) fn listening(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let here = machine.addresses().unwrap_or_default();
    let nonlocal = machine.text("/proc/sys/net/ipv4/ip_nonlocal_bind".as_ref());
    if here.is_empty() || nonlocal.is_some_and(|v| v.trim() == "1") {
        return vec![];
    }
    let cluster = &settings.cluster.config;
    let etcd = cluster.etcd.local.clone().unwrap_or_default().extra_args;
    let flags: [(&str, &str, &[Arg], &str); 6] = [
        ("kube-apiserver", "apiServer", &cluster.api_server.extra_args, "bind-address"),
        (
            "kube-controller-manager",
            "controllerManager",
            &cluster.controller_manager.extra_args,
            "bind-address",
        ),
        ("kube-scheduler", "scheduler", &cluster.scheduler.extra_args, "bind-address"),
        ("etcd", "etcd.local", &etcd, "listen-client-urls"),
        ("etcd", "etcd.local", &etcd, "listen-peer-urls"),
        ("etcd", "etcd.local", &etcd, "listen-metrics-urls"),
    ];
    let mut findings = vec![];
    for (component, place, args, flag) in flags {
        for value in last_value(args, flag).into_iter().flat_map(|v| v.split(',')) {
            let authority = value.split_once("://").map_or(value, |(_, rest)| rest).trim_end_matches('/');
            let ip = names::ip(authority).or_else(|| names::ip(&names::host_port(authority).ok()?.0));
            let Some(ip) = ip.filter(|ip| !ip.is_unspecified() && !ip.is_loopback()) else { continue };
            if !here.iter().any(|a| a.ip == ip) {
                findings.push(
                    Finding::error(format!(
                        "{component}'s flag `{flag}` names {ip}, which is not an address of this machine"
                    ))
                    .evidence(format!("this machine has: {}", list(&here)))
                    .cause(format!("{component} exits when it can't listen there"))
                    .fix(format!("correct `{flag}` in {place}.extraArgs, or take it out")),
                );
            }
        }
    }
    findings
}

fn list(addresses: &[InterfaceAddress]) -> String {
    addresses.iter().map(|a| format!("{} ({})", a.ip, a.interface)).collect::<Vec<_>>().join(", ")
}

/// The components talk to each other at 127.0.0.1, and kubelet's probes do.
pub(crate) fn loopback(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let here = machine.addresses().unwrap_or_default();
    // An interface that is down keeps its addresses; IFF_UP of netdevice(7) is the lowest bit.
    let flags = machine.text("/sys/class/net/lo/flags".as_ref());
    let flags = flags.and_then(|f| u32::from_str_radix(f.trim().trim_start_matches("0x"), 16).ok());
    let is_down = flags.is_some_and(|f| f & 1 == 0);
    if !is_down && (here.is_empty() || here.iter().any(|a| a.ip.is_loopback())) {
        return vec![];
    }
    vec![
        Finding::error("the loopback interface lo is down: nothing responds at 127.0.0.1")
            .evidence(format!("addresses: {}", list(&here)))
            .cause("etcd and kubelet listen there, and kubelet's probes use it")
            .fix("`ip link set lo up`"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::host::net::InterfaceAddress;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn listen_addresses_must_be_of_this_machine() {
        let machine = FakeMachine::healthy();
        for (config, words) in [
            (
                "apiServer: {extraArgs: [{name: bind-address, value: 203.0.113.9}]}",
                "`bind-address` names 203.0.113.9",
            ),
            (
                "etcd: {local: {extraArgs: [{name: listen-client-urls, value: 'https://127.0.0.1:2379,https://203.0.113.9:2379'}]}}",
                "`listen-client-urls` names 203.0.113.9",
            ),
        ] {
            assert!(
                machine.finding("ListenAddress", &settings(&format!("{config}\n"))).what.contains(words),
                "{config}"
            );
        }
        for fine in ["0.0.0.0", "127.0.0.1", "192.0.2.10", "::"] {
            let config = format!("apiServer: {{extraArgs: [{{name: bind-address, value: '{fine}'}}]}}\n");
            assert!(machine.check("ListenAddress", &settings(&config)).is_empty(), "{fine}");
        }
    }

    #[test]
    fn missing_loopback_interface_is_an_error() {
        let down = FakeMachine::with(|m| m.addresses.retain(|a| !a.ip.is_loopback()));
        assert_eq!(down.finding("Loopback", &settings("")).fix.unwrap(), "`ip link set lo up`");
        let off = FakeMachine::with(|m| m.file("/sys/class/net/lo/flags", "0x8\n"));
        assert!(off.finding("Loopback", &settings("")).what.contains("is down"));
        let on = FakeMachine::with(|m| m.file("/sys/class/net/lo/flags", "0x9\n"));
        assert!(on.check("Loopback", &settings("")).is_empty());
    }

    #[test]
    fn address_of_another_machine_is_an_error_that_lists_ours() {
        let at = |address: &str, more: &str| {
            settings(&format!(
                "{more}---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {{advertiseAddress: {address}}}\n"
            ))
        };
        let machine = FakeMachine::with(|m| {
            m.addresses.extend(
                [("docker0", "172.17.0.1"), ("eth0", "fe80::1"), ("eth1", "198.51.100.7")]
                    .map(|(i, a)| InterfaceAddress { interface: i.into(), ip: a.parse().unwrap() }),
            );
        });
        let found = machine.finding("AdvertiseAddress", &at("203.0.113.9", ""));
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(
            found.evidence,
            ["addresses that could be advertised: 192.0.2.10 (eth0), 198.51.100.7 (eth1)"]
        );
        let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
        assert_eq!(
            machine.finding("AdvertiseAddress", &at("203.0.113.9", external)).severity,
            Severity::Warning
        );
        assert!(machine.check("AdvertiseAddress", &settings("")).is_empty());
    }
}
