//! The advertised address is one of this machine's.

use super::finding::Finding;
use super::machine::Machine;
use crate::config::Settings;

pub(super) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let address = settings.advertise_address;
    let here = machine.addresses();
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
    let local_etcd = settings.cluster.etcd.local.is_some();
    let what = format!("{address}, which the API server shall advertise, is not an address of this machine");
    let finding = if local_etcd {
        Finding::error(what).cause("etcd listens on this address, and can't start where it is not")
    } else {
        Finding::warning(what)
            .cause("that works only where something forwards this address to the machine (NAT)")
    };
    let choice = match usable.first().and_then(|u| u.split(' ').next()) {
        Some(first) => format!(
            "`--apiserver-advertise-address {first}` or localAPIEndpoint.advertiseAddress; a public address before NAT belongs into controlPlaneEndpoint"
        ),
        None => "give the machine an address that others can reach".into(),
    };
    let list = if usable.is_empty() { "none".into() } else { usable.join(", ") };
    vec![finding.evidence(format!("addresses that could be advertised: {list}")).fix(choice)]
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeMachine, settings};
    use super::super::finding::Severity;
    use crate::host::net::InterfaceAddress;

    #[test]
    fn an_address_of_elsewhere_is_refused_with_those_that_are_here() {
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
