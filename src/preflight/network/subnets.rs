//! Subnets that must not overlap: those of Pods, of Services, and the machine's own.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::args::last_value;
use crate::config::v1beta4::Arg;
use crate::config::{Settings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;

/// The subnets of Pods and of Services, each with its field.
fn named(settings: &Settings) -> [Vec<(&'static str, IpNet)>; 2] {
    let named = |field: &'static str, nets: &[IpNet]| nets.iter().map(|n| (field, *n)).collect();
    [
        named("networking.podSubnet", &settings.cluster.pod_subnets),
        named("networking.serviceSubnet", &settings.cluster.service_subnets),
    ]
}

/// Subnets of Pods and of Services that overlap.
pub(crate) fn overlapping(settings: &Settings) -> Vec<Finding> {
    let [pods, services] = named(settings);
    let mut findings = vec![];
    for ((pod_field, pod), (service_field, service)) in
        pods.iter().flat_map(|p| services.iter().map(move |s| (p, s)))
    {
        if pod.contains(service) || service.contains(pod) {
            findings.push(
                Finding::warning(format!("{pod_field} {pod} and {service_field} {service} overlap"))
                    .cause("an address in both is a Pod's and a Service's: a request for one may reach the other")
                    .fix(format!("choose subnets that do not overlap for {pod_field} and {service_field}: neither can be changed later")),
            );
        }
    }
    findings
}

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let mut findings = overlapping(settings);
    let [pods, services] = named(settings);
    let here: Vec<IpAddr> =
        machine.addresses().unwrap_or_default().iter().map(|a| a.ip).filter(|ip| !ip.is_loopback()).collect();
    for (field, net) in pods.iter().chain(&services) {
        if net.contains(&settings.node.advertise_address) && here.contains(&settings.node.advertise_address) {
            findings.push(
                Finding::warning(format!("{field} {net} contains this machine's own address {}", settings.node.advertise_address))
                    .cause("Pods and Services would get addresses of the nodes' network, and hide the nodes that have them")
                    .fix(format!("choose another subnet for {field}: it can't be changed later")),
            );
        }
    }
    findings
}

/// Flags that name networks.
pub(crate) fn flags(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    wrong_flags(settings).into_iter().map(|wrong| wrong.finding).collect()
}

/// A flag whose subnets are none, or not the cluster's.
pub(crate) struct WrongFlag {
    /// The component's section of ClusterConfiguration.
    pub(crate) place: &'static str,
    pub(crate) flag: &'static str,
    /// The rule, for machines.
    pub(crate) rule: &'static str,
    pub(crate) finding: Finding,
}

/// The same, each with its place.
pub(crate) fn wrong_flags(settings: &Settings) -> Vec<WrongFlag> {
    let cluster = &settings.cluster.config;
    let (server, manager) = (&cluster.api_server.extra_args, &cluster.controller_manager.extra_args);
    let allocates = match last_value(manager, "allocate-node-cidrs") {
        Some(value) => value.parse() == Ok(true),
        None => !cluster.networking.pod_subnet.is_empty(),
    };
    // The last tells whether the component ends without a subnet there: kube-controller-manager reads the Services' for
    // its log alone.
    let flags: [(&str, &'static str, &[Arg], &'static str, bool); 3] = [
        ("kube-apiserver", "apiServer", server, "service-cluster-ip-range", true),
        ("kube-controller-manager", "controllerManager", manager, "service-cluster-ip-range", false),
        ("kube-controller-manager", "controllerManager", manager, "cluster-cidr", allocates),
    ];
    let mut wrong = vec![];
    for (component, place, args, flag, is_needed) in flags {
        let Some(value) = last_value(args, flag).map(str::trim) else { continue };
        let fix = format!(
            "remove `{flag}` from {place}.extraArgs: it is set from networking.podSubnet and networking.serviceSubnet"
        );
        let mut add = |rule, what: String, cause: String| {
            let finding = if is_needed { Finding::error(what) } else { Finding::warning(what) };
            wrong.push(WrongFlag { place, flag, rule, finding: finding.cause(cause).fix(fix.clone()) });
        };
        if value.is_empty() && is_needed {
            let what = format!("{component}'s flag `{flag}` is empty, and replaces the cluster's own subnet");
            add("contradiction", what, format!("{component} exits, or takes another subnet"));
        }
        let items = value.split(',').map(str::trim).filter(|_| !value.is_empty());
        for item in items.filter(|item| names::cidr(item).is_none()) {
            let what = format!("{component}'s flag `{flag}` is `{item}`, which is not a subnet");
            let cause = if is_needed { "exits" } else { "passes over it" };
            add("subnet", what, format!("{component} {cause}"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    #[test]
    fn overlapping_subnets_are_warnings() {
        let with = |pods: &str, services: &str| {
            settings(&format!("networking: {{podSubnet: '{pods}', serviceSubnet: '{services}'}}\n"))
        };
        let machine = FakeMachine::healthy();
        assert_eq!(machine.check("Subnets", &with("10.244.0.0/16", "10.96.0.0/12")), []);
        assert_eq!(
            machine.check("Subnets", &with("10.244.0.0/16,fd00:1::/56", "10.96.0.0/12,fd00:2::/112")),
            []
        );
        let found = machine.check("Subnets", &with("10.96.0.0/12", "10.96.0.0/16"));
        assert_eq!(severities(&found), [Severity::Warning]);
        assert!(found[0].what.contains("10.96.0.0/12") && found[0].what.contains("10.96.0.0/16 overlap"));
        let found = machine.finding("Subnets", &with("192.0.0.0/16", "10.96.0.0/12"));
        assert!(found.what.contains("contains this machine's own address 192.0.2.10"), "{found:?}");
    }

    #[test]
    fn flags_that_are_not_subnets_are_errors() {
        let with = |flag: &str, value: &str| {
            let args = format!("controllerManager: {{extraArgs: [{{name: {flag}, value: '{value}'}}]}}");
            settings(&format!("networking: {{podSubnet: 10.244.0.0/16}}\n{args}\n"))
        };
        let machine = FakeMachine::healthy();
        let found = machine.finding("NetworkFlags", &with("cluster-cidr", "10.244.0.0/16,10.245.0.0/160"));
        assert!(found.what.contains("`10.245.0.0/160`") && found.severity == Severity::Error, "{found:?}");
        let found = machine.finding("NetworkFlags", &with("service-cluster-ip-range", "10.96.0.0"));
        assert_eq!(found.severity, Severity::Warning, "kube-controller-manager goes on");
        assert_eq!(machine.check("NetworkFlags", &with("service-cluster-ip-range", "")), []);
        assert_eq!(machine.check("NetworkFlags", &with("cluster-cidr", "10.244.0.0/16, fd00::/56")), []);
    }
}
