//! IP forwarding: without it no Pod reaches another node.

use std::net::IpAddr;

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::Machine;

/// The files that may be checked.
pub(crate) const FILES: [&str; 2] =
    ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/default/forwarding"];

/// kubeadm's check for each family that the cluster uses: the file under `/proc/sys`.
pub(crate) fn files(settings: &Settings) -> Vec<&'static str> {
    let networks =
        settings.cluster.service_subnets.iter().chain(&settings.cluster.pod_subnets).map(|n| n.network());
    let addresses: Vec<IpAddr> = networks.chain([settings.node.advertise_address]).collect();
    let used = [addresses.iter().any(IpAddr::is_ipv4), addresses.iter().any(IpAddr::is_ipv6)];
    FILES.into_iter().zip(used).filter_map(|(file, used)| used.then_some(file)).collect()
}

/// The name of a file under `/proc/sys` as sysctl(8) has it.
pub(crate) fn sysctl_name(file: &str) -> String {
    file.trim_start_matches("/proc/sys/").replace('/', ".")
}

pub(crate) fn check(machine: &dyn Machine, file: &str) -> Vec<Finding> {
    let content = match machine.read(file.as_ref()) {
        Ok(content) if content.first() == Some(&b'1') => return vec![],
        Ok(content) => String::from_utf8_lossy(&content).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let name = sysctl_name(file);
    vec![
        Finding::error(format!("IP forwarding is off: {name} is not 1"))
            .evidence(format!("{file}: {content}"))
            .cause("packets between Pods and to Services would be dropped")
            .fix(format!(
                "`sysctl -w {name}=1`, and to keep it: `echo '{name} = 1' >> /etc/sysctl.d/99-kubernetes.conf` (`kubestrap preflight --fix` does both)"
            )),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn forwarding_is_required_for_each_ip_family_in_use() {
        assert_eq!(files(&settings("")), ["/proc/sys/net/ipv4/ip_forward"]);
        let dual = "networking: {serviceSubnet: '10.96.0.0/16,fd00:1::/112', podSubnet: '10.244.0.0/16,fd00:2::/56'}\n";
        assert_eq!(files(&settings(dual)).len(), 2);
        let mut machine = FakeMachine::healthy();
        machine.file("/proc/sys/net/ipv4/ip_forward", "0\n");
        let found = machine.finding("FileContent--proc-sys-net-ipv4-ip_forward", &settings(""));
        assert_eq!(found.severity, Severity::Error);
        assert!(found.fix.unwrap().contains("`sysctl -w net.ipv4.ip_forward=1`"));
        machine.files.clear();
        machine.finding("FileContent--proc-sys-net-ipv6-conf-default-forwarding", &settings(dual));
    }
}
