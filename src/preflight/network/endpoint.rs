//! `controlPlaneEndpoint`: the address by which other machines reach the control plane.

use crate::config::{Settings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let endpoint = &settings.cluster.config.control_plane_endpoint;
    let Ok((host, port)) = names::host_port(endpoint) else { return vec![] };
    let port = port.unwrap_or(settings.node.bind_port);
    let addresses = match names::ip(&host) {
        Some(ip) => vec![ip],
        None => match machine.resolve(&host) {
            Ok(found) if !found.is_empty() => found,
            failed => {
                let finding = Finding::warning(format!(
                    "controlPlaneEndpoint {endpoint} can't be resolved on this machine"
                ));
                let finding = finding.evidence(failed.err().unwrap_or_else(|| "no address".to_owned()));
                return vec![
                    finding
                        .cause("admin.conf and every joining node use this name, and would not find the API server")
                        .fix(format!(
                            "add it to DNS, or `echo '{} {host}' >> /etc/hosts` on this machine and on those that join",
                            settings.node.advertise_address
                        )),
                ];
            }
        },
    };
    let here = machine.addresses().unwrap_or_default();
    let is_here = addresses.iter().any(|a| here.iter().any(|h| h.ip == *a));
    let is_served = port == settings.node.bind_port || !machine.listeners_on(port).is_empty();
    if !is_here || is_served {
        return vec![];
    }
    vec![
        Finding::warning(format!(
            "controlPlaneEndpoint {endpoint} leads to this machine, and nothing listens on its port {port}"
        ))
        .evidence(format!("the API server will listen on port {}", settings.node.bind_port))
        .cause("the load balancer that is to forward it is not running (yet); until then admin.conf can't reach the API server")
        .fix(format!(
            "start the load balancer; or without one, set controlPlaneEndpoint to port {} or `--apiserver-bind-port {port}`",
            settings.node.bind_port
        )),
    ]
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::{FakeMachine, settings};

    fn at(endpoint: &str) -> crate::config::Settings {
        settings(&format!("controlPlaneEndpoint: '{endpoint}'\n"))
    }

    #[test]
    fn unresolvable_endpoint_is_a_warning() {
        let lost = FakeMachine::with(|m| m.resolves = Err("Name or service not known".into()));
        let found = lost.finding("ControlPlaneEndpoint", &at("cp.example.com:6443"));
        assert_eq!(found.evidence, ["Name or service not known"]);
        assert!(found.fix.unwrap().contains("echo '192.0.2.10 cp.example.com'"));
        assert_eq!(FakeMachine::healthy().check("ControlPlaneEndpoint", &at("cp.example.com:6443")), []);
        assert_eq!(lost.check("ControlPlaneEndpoint", &at("192.0.2.99:6443")), []);
        assert_eq!(lost.check("ControlPlaneEndpoint", &settings("")), []);
    }

    #[test]
    fn unserved_endpoint_port_of_this_machine_is_a_warning() {
        let found = FakeMachine::healthy().finding("ControlPlaneEndpoint", &at("192.0.2.10:8443"));
        assert!(
            found.what.contains("port 8443") && found.fix.unwrap().contains("--apiserver-bind-port 8443")
        );
        // A load balancer elsewhere is not ours to try: it may come up with the cluster.
        assert_eq!(FakeMachine::healthy().check("ControlPlaneEndpoint", &at("192.0.2.99:8443")), []);
    }
}
