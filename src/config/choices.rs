//! What is chosen where the configuration leaves it open: the node's name, its runtime, its address, the version.

use std::net::{IpAddr, Ipv4Addr};

use super::defaults;
use super::facts::HostFacts;
use super::names;
use super::overrides::Overrides;
use super::release::{self, Release, default_version};
use super::settings::DEFAULT_CRI_SOCKET;
use super::v1beta4::{ApiEndpoint, ClusterConfiguration, NodeRegistrationOptions};
use super::validate::Validator;
use super::version::{CI, KubernetesVersion, is_label, prefixed};

/// What a node's registration takes from the command line and the machine. `kind` is the document that it is in.
pub(super) fn default_registration(
    kind: &str,
    node: &mut NodeRegistrationOptions,
    facts: &HostFacts,
    overrides: &Overrides,
    v: &mut Validator<'_>,
) {
    if let Some(name) = &overrides.node_name {
        node.name.clone_from(name);
    }
    defaults::text(&mut node.name, &facts.hostname);
    node.ignore_preflight_errors =
        ignored_checks(kind, &node.ignore_preflight_errors, &overrides.ignore_preflight_errors, v);
    if node.cri_socket.is_empty() {
        match facts.cri_sockets.as_slice() {
            [] => node.cri_socket = DEFAULT_CRI_SOCKET.into(),
            [one] => node.cri_socket.clone_from(one),
            [first, ..] => {
                let path = "nodeRegistration.criSocket";
                let why = several_runtimes(&facts.cri_sockets);
                if overrides.dry_run {
                    let why = format!("{why}; this dry run uses the first");
                    v.warnings.push(v.locator.problem(kind, path, why));
                } else if !overrides.any_runtime {
                    v.error(kind, path, why);
                }
                node.cri_socket.clone_from(first);
            }
        }
    }
}

/// Why none of these sockets is chosen; kubeadm refuses likewise.
pub(crate) fn several_runtimes(sockets: &[String]) -> String {
    format!(
        "found several container runtimes: name the one to use with `--cri-socket`, or as `criSocket` in the configuration file: {}",
        sockets.join(", ")
    )
}

/// The checks that the configuration and the command line have ignored: `all` of either covers the other's.
fn ignored_checks(kind: &str, configured: &[String], flags: &[String], v: &mut Validator<'_>) -> Vec<String> {
    let lower = |list: &[String]| -> Vec<String> { list.iter().map(|e| e.trim().to_lowercase()).collect() };
    let lists = [lower(configured), lower(flags)];
    let covers_all = |list: &Vec<String>| list.iter().any(|check| check == "all");
    if lists.iter().any(|list| covers_all(list) && list.iter().any(|check| check != "all")) {
        v.error(
            kind,
            "nodeRegistration.ignorePreflightErrors",
            "`all` covers every check: name no others beside it",
        );
    }
    if lists.iter().any(covers_all) {
        return vec!["all".into()];
    }
    let mut checks = lists.concat();
    checks.sort();
    checks.dedup();
    checks
}

/// kubeadm's rule: the address given, else that of the default route's interface; a loopback stands for an address of
/// the loopback interface. It must be one that others can reach.
pub(super) fn advertise_address(
    (kind, path): (&str, &str),
    endpoint: &mut ApiEndpoint,
    facts: &HostFacts,
    overrides: &Overrides,
    v: &mut Validator<'_>,
) -> IpAddr {
    let given = endpoint.advertise_address.clone();
    let parsed = if given.is_empty() { Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) } else { names::ip(&given) };
    let placeholder = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let address = match parsed {
        None => {
            v.error(
                kind,
                path,
                format!("{given:?} is not an IP address: write one such as `192.0.2.10` or `2001:db8::10`"),
            );
            return placeholder;
        }
        Some(ip) if ip.is_loopback() => match facts.loopback_addresses.first() {
            // kubeadm's way to name the address that a machine without others has on its loopback interface.
            Some(found) => *found,
            None => {
                v.error(kind, path, format!("other machines can't reach {ip}, and the loopback interface has no other address: set one of this machine's with `--apiserver-advertise-address` or `localAPIEndpoint.advertiseAddress`"));
                placeholder
            }
        },
        Some(ip) if ip.is_unspecified() => {
            let wanted =
                facts.default_addresses.iter().find(|a| given.is_empty() || a.is_ipv6() == ip.is_ipv6());
            match wanted.or(facts.default_addresses.first()) {
                Some(found) => *found,
                None if overrides.dry_run => {
                    let warning = v.locator.problem(kind, path, format!("this machine has no default route, so there is no address to advertise: this dry run uses {placeholder}; a real run needs `--apiserver-advertise-address`"));
                    v.warnings.push(warning);
                    placeholder
                }
                None => {
                    v.error(kind, path, "this machine has no default route, so there is no address to advertise: set one with `--apiserver-advertise-address` or `localAPIEndpoint.advertiseAddress`");
                    placeholder
                }
            }
        }
        Some(ip) => ip,
    };
    let link_local = match address {
        IpAddr::V4(a) => a.is_link_local() || a.is_broadcast(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    };
    if address.is_multicast() || link_local {
        v.error(kind, path, format!("{address} can't be advertised: it must be an address that other machines can reach (not link-local, not multicast)"));
    }
    endpoint.advertise_address = address.to_string();
    address
}

/// The newest version and release.
pub(super) fn fallback() -> (KubernetesVersion, &'static Release) {
    let release = release::newest();
    (release.newest_known(), release)
}

/// The version to set up, and what belongs to it: the newest where none is said.
pub(super) fn version(
    cluster: &mut ClusterConfiguration,
    v: &mut Validator<'_>,
) -> (KubernetesVersion, &'static Release) {
    defaults::text(&mut cluster.kubernetes_version, &default_version(None).to_string());
    let path = "kubernetesVersion";
    if is_label(&cluster.kubernetes_version) {
        v.cluster_error(
            path,
            format!("the label {:?} was not resolved to a version", cluster.kubernetes_version),
        );
        return fallback();
    }
    match prefixed(&cluster.kubernetes_version) {
        Err(error) => {
            v.cluster_error(path, format!("{error}, nor a label such as `stable-1.36`"));
            fallback()
        }
        Ok((ci, version)) => match Release::of(&version) {
            Ok(release) => {
                cluster.kubernetes_version = format!("{}{version}", if ci { CI } else { "" });
                (version, release)
            }
            Err(error) => {
                v.cluster_error(path, error);
                fallback()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Loaded, Resolved, Settings};

    #[test]
    fn of_several_runtimes_none_is_chosen_and_a_dry_run_says_which_it_uses() {
        let sockets = ["unix:///run/containerd/containerd.sock", "unix:///run/cri-dockerd.sock"];
        let resolve = |overrides: Overrides| {
            let facts =
                HostFacts { cri_sockets: sockets.map(str::to_owned).into(), ..HostFacts::placeholder() };
            Settings::resolve(Loaded::default(), facts, &overrides)
        };
        let refused = resolve(Overrides::default()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(sockets.iter().all(|socket| refused.contains(socket)), "{refused}");
        assert_eq!(refused.trim().lines().filter(|line| line.contains("criSocket")).count(), 1, "{refused}");
        let told = |resolved: &Resolved| -> Vec<String> {
            resolved
                .warnings
                .iter()
                .map(|w| w.problem.to_string())
                .filter(|w| w.contains("several"))
                .collect()
        };
        let unused = resolve(Overrides { any_runtime: true, ..Overrides::default() }).unwrap();
        assert_eq!(unused.settings.cri_socket(), sockets[0]);
        let resolved = resolve(Overrides { dry_run: true, ..Overrides::default() }).unwrap();
        assert_eq!(resolved.settings.cri_socket(), sockets[0]);
        assert_eq!(told(&unused), [""; 0]);
        assert!(told(&resolved).concat().contains("this dry run uses the first"));
    }
}
