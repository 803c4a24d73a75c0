//! Proxies that requests within the cluster would go through.

use super::go_proxy::for_https;
use crate::config::{NodeSettings, Settings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;

/// kubeadm: the API server itself.
pub(crate) fn api_server(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    let host = settings.node.advertise_address.to_string();
    let Some(proxy) = for_https(&settings.node.facts.proxy_variables, &host, settings.node.bind_port) else {
        return vec![];
    };
    let what = format!("requests to the API server at {host} would go through a proxy");
    vec![finding(settings, what, proxy)]
}

/// kubeadm: the API server of the cluster that this node joins, `host:port`.
pub(crate) fn discovery(node: &NodeSettings, endpoint: &str) -> Vec<Finding> {
    let Ok((host, port)) = names::host_port(endpoint) else { return vec![] };
    let variables = &node.facts.proxy_variables;
    let Some(proxy) = for_https(variables, &host, port.unwrap_or(6443)) else { return vec![] };
    let what = format!("requests to the API server at {endpoint} would go through a proxy");
    vec![through(what, proxy).fix(format!("`export {}` and run again", with_rules(variables, [host])))]
}

/// kubeadm: the networks of Services and Pods.
pub(crate) fn networks(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    let named = settings.cluster.service_subnets.iter().map(|n| ("Services", n));
    let named = named.chain(settings.cluster.pod_subnets.iter().map(|n| ("Pods", n)));
    // Any port: rules with a port are not what is meant for a network.
    let proxied = named.filter_map(|(of, net)| {
        let proxy = for_https(&settings.node.facts.proxy_variables, &net.network().to_string(), 1234)?;
        Some((format!("requests to {of} ({net}) would go through a proxy"), proxy))
    });
    proxied.map(|(what, proxy)| finding(settings, what, proxy)).collect()
}

/// What else belongs to the cluster: the control plane's endpoint and the names of Services. Silent where one of the
/// other two speaks: the fix is the same.
pub(crate) fn names_of_cluster(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    if !api_server(settings, machine).is_empty() || !networks(settings, machine).is_empty() {
        return vec![];
    }
    let endpoint =
        names::host_port(&settings.cluster.config.control_plane_endpoint).ok().map(|(host, _)| host);
    let domain = &settings.cluster.config.networking.dns_domain;
    let service = |suffix: &str| format!("kubernetes.default{suffix}");
    let of = [
        endpoint.map(|host| (host.clone(), host)),
        Some((service(".svc"), ".svc".to_owned())),
        Some((service(&format!(".svc.{domain}")), format!(".{domain}"))),
    ];
    let mut proxied = vec![];
    let mut through = None;
    for (host, name) in of.into_iter().flatten() {
        if let Some(proxy) = for_https(&settings.node.facts.proxy_variables, &host, settings.node.bind_port) {
            proxied.push(name);
            through = Some(proxy);
        }
    }
    let Some(proxy) = through else { return vec![] };
    let what =
        format!("requests to the cluster's own names would go through a proxy: {}", proxied.join(", "));
    vec![finding(settings, what, proxy)]
}

fn finding(settings: &Settings, what: String, proxy: &str) -> Finding {
    through(what, proxy).fix(format!("`export {}` and run again", no_proxy(settings)))
}

fn through(what: String, proxy: &str) -> Finding {
    // A proxy's address may hold a password.
    let proxy = match proxy.rsplit_once('@') {
        Some((_, host)) => host,
        None => proxy,
    };
    Finding::warning(what)
        .evidence(format!("the environment sets the proxy {proxy}"))
        .cause("a proxy can rarely reach the cluster's own addresses and names")
}

/// The whole variable: the rules it has, and those that the cluster needs.
fn no_proxy(settings: &Settings) -> String {
    let cluster = &settings.cluster;
    let endpoint = names::host_port(&cluster.config.control_plane_endpoint).ok().map(|(host, _)| host);
    let subnets = cluster.service_subnets.iter().chain(&cluster.pod_subnets).map(ToString::to_string);
    let rules = std::iter::once(settings.node.advertise_address.to_string())
        .chain(endpoint)
        .chain(subnets)
        .chain([".svc".to_owned(), format!(".{}", cluster.config.networking.dns_domain)]);
    with_rules(&settings.node.facts.proxy_variables, rules)
}

fn with_rules(variables: &[(String, String)], more: impl IntoIterator<Item = String>) -> String {
    let given = ["NO_PROXY", "no_proxy"].iter().find_map(|n| variables.iter().find(|(name, _)| name == n));
    let (name, value) = given.map_or(("NO_PROXY", ""), |(n, v)| (n.as_str(), v.as_str()));
    let mut rules: Vec<String> =
        value.split(',').filter(|r| !r.is_empty()).map(|r| r.trim().to_owned()).collect();
    for rule in more {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    format!("{name}={}", rules.join(","))
}

#[cfg(test)]
mod tests {
    use crate::config::{HostFacts, Settings};
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings_on};

    fn with(variables: &[(&str, &str)]) -> Settings {
        let proxy_variables = variables.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        let facts = HostFacts { hostname: "cp-1".into(), proxy_variables, ..HostFacts::default() };
        settings_on("controlPlaneEndpoint: api.example.com\nnetworking: {podSubnet: 10.244.0.0/16}\n", facts)
    }

    #[test]
    fn proxied_addresses_are_warnings_with_the_complete_variable() {
        let machine = FakeMachine::healthy();
        let s = with(&[("HTTPS_PROXY", "http://user:secret@proxy:3128"), ("no_proxy", "10.96.0.0/12")]);
        let found = machine.finding("HTTPProxy", &s);
        assert_eq!(found.severity, Severity::Warning);
        assert!(!format!("{found:?}").contains("secret"));
        let fix = found.fix.unwrap();
        assert_eq!(
            fix,
            "`export no_proxy=10.96.0.0/12,192.0.2.10,api.example.com,10.244.0.0/16,.svc,.cluster.local` and run again"
        );
        assert!(machine.finding("HTTPProxyCIDR", &s).what.contains("Pods (10.244.0.0/16)"));
        assert!(machine.check("NoProxy", &s).is_empty(), "the fix is the same");
        let s = with(&[("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "192.0.2.10,10.0.0.0/8")]);
        assert!(machine.finding("NoProxy", &s).what.contains("api.example.com, .svc, .cluster.local"));

        // What the fix says is enough.
        let value = fix.split_once('=').unwrap().1.split_once('`').unwrap().0;
        for quiet in
            [with(&[]), with(&[("HTTPS_PROXY", "p:1"), ("NO_PROXY", value)]), with(&[("http_proxy", "p")])]
        {
            for row in ["HTTPProxy", "HTTPProxyCIDR", "NoProxy"] {
                assert!(machine.check(row, &quiet).is_empty(), "{row}");
            }
        }
    }
}
