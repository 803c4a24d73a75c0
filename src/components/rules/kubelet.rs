//! Rules about kubelet's flags. Source: `cmd/kubelet/app/options/options.go` (`ValidateKubeletFlags`),
//! `kubelet/pkg/apis/well_known_labels.go`.

use super::super::program::Program::Kubelet;
use super::super::rule::{Judge, Range, range};
use crate::config::names;

/// Labels of Kubernetes' own that kubelet may set on its Node.
const LABELS: &[&str] = &[
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
];

/// Domains whose labels kubelet may set.
const DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];

/// In the file 0 stands for the default, in the flag for itself.
pub(in crate::components) const RANGES: &[Range] = &[range(Kubelet, "port", 1.0, 65535.0)];

pub(in crate::components) fn rules(judge: &mut Judge<'_>) {
    let command = judge.command;
    for given in command.all("node-labels") {
        for item in given.value.split(',').filter(|item| !item.is_empty()) {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            if let Err(why) = label(key.trim(), value.trim()) {
                judge.refuse("node-label", given, why);
            }
        }
    }
    node_ip(judge);
}

/// One address, or one of each family; what is no address is passed over.
fn node_ip(judge: &mut Judge<'_>) {
    let command = judge.command;
    let Some(given) = command.last("node-ip").filter(|given| !given.value.is_empty()) else { return };
    let mut addresses = vec![];
    for item in given.value.split(',').map(str::trim) {
        match names::ip(item) {
            Some(address) => addresses.push(address),
            None => judge.doubt(
                "flag-value",
                given,
                format!("{item:?} is not an IP address: kubelet ignores it, and chooses one itself"),
            ),
        }
    }
    let why = match addresses.as_slice() {
        [] | [_] => return,
        [a, b] if a.is_ipv6() == b.is_ipv6() => "the two addresses must be of different families",
        [a, b] if a.is_unspecified() || b.is_unspecified() => "none of two addresses may be 0.0.0.0 or ::",
        [_, _] => return,
        _ => "must be one address, or one of each family",
    };
    judge.refuse("flag-value", given, why);
}

fn label(key: &str, value: &str) -> Result<(), String> {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let within = |domain: &str, of: &str| domain == of || domain.ends_with(&format!(".{of}"));
    let kubernetes = within(domain, "kubernetes.io") || within(domain, "k8s.io");
    if kubernetes && !LABELS.contains(&key) && !DOMAINS.iter().any(|allowed| within(domain, allowed)) {
        return Err(format!(
            "kubelet may not set the label {key:?}: set it with `kubectl label node`, or use {}",
            DOMAINS.map(|domain| format!("{domain}/…")).join(" or ")
        ));
    }
    if !qualified(key) {
        return Err(format!("{key:?} is not a label: write `name` or `example.org/name`"));
    }
    if !value.is_empty() && !name(value) {
        return Err(format!(
            "label {key}: the value {value:?} must have at most 63 letters, digits, `-`, `_`, `.`, and begin and end with a letter or digit"
        ));
    }
    Ok(())
}

/// A qualified name: up to 63 characters, with a DNS subdomain before it.
pub(in crate::components) fn qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((domain, rest)) => crate::config::names::dns_subdomain(domain).is_ok() && name(rest),
        None => name(key),
    }
}

/// Letters, digits, `-`, `_` and `.`; the first and last a letter or digit.
pub(in crate::components) fn name(text: &str) -> bool {
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
}
