//! Where a component reports its health, read from its manifest, since flags and patches can move it.

use std::net::IpAddr;

use serde_json::Value;

use crate::config::settings::join_host_port;
use crate::manifest::Component;
use crate::node::{KILLING, StaticPod};

/// Where a component reports its health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whose health.
    pub component: Component,
    /// `scheme://host:port`.
    pub base: String,
    /// The path to ask.
    pub path: &'static str,
    /// What kubelet asks in its probes, and kills the component for, where that is something else: as `base`, and a path.
    pub probes: Vec<(String, String)>,
}

impl Target {
    /// The target for a component whose static Pod's manifest says `pod`.
    pub fn of_manifest(component: Component, pod: Value) -> Self {
        target(&StaticPod::new(component, pod))
    }

    /// Host and port of the base, the host without brackets; none where the base names no port.
    pub(crate) fn host_and_port(&self) -> Option<(&str, &str)> {
        let (host, port) = self.base.split("://").last()?.rsplit_once(':')?;
        Some((host.trim_matches(['[', ']']), port))
    }
}

/// Two components that report their health at the same address: one of them can't listen there, and would be taken for
/// healthy by the answers of the other.
pub(crate) fn shared(targets: &[Target]) -> Option<(&Target, &Target)> {
    let mut pairs =
        targets.iter().enumerate().flat_map(|(i, a)| targets.iter().skip(i + 1).map(move |b| (a, b)));
    pairs.find(|(a, b)| {
        let port = |target: &&Target| target.host_and_port().map(|(_, port)| port.to_owned());
        // kube-apiserver listens on every address of the machine.
        let meet = a.component == Component::ApiServer || b.component == Component::ApiServer;
        a.base == b.base || meet && port(a) == port(b)
    })
}

/// The target for a static Pod; kubeadm's rules for kube-apiserver, kube-controller-manager
/// and kube-scheduler, and etcd's metrics address for etcd.
pub(crate) fn target(pod: &StaticPod) -> Target {
    let component = pod.component();
    let flag = |name: &str| pod.flag(name);
    let (base, path) = match component {
        Component::Etcd => {
            let urls = flag("listen-metrics-urls").unwrap_or_else(|| "http://127.0.0.1:2381".into());
            let url = urls.split(',').next().unwrap_or_default().trim_end_matches('/').to_owned();
            (reachable_url(&url), "/health")
        }
        Component::ApiServer => {
            let host = flag("advertise-address").unwrap_or_else(|| "127.0.0.1".into());
            (https(&host, flag("secure-port"), 6443), "/livez")
        }
        Component::ControllerManager => {
            (https(&flag("bind-address").unwrap_or_default(), flag("secure-port"), 10257), "/healthz")
        }
        Component::Scheduler => {
            (https(&flag("bind-address").unwrap_or_default(), flag("secure-port"), 10259), "/livez")
        }
    };
    let mut target = Target { component, base, path, probes: vec![] };
    target.probes = probes(pod, &target);
    target
}

/// The probes whose answers don't follow from that of the target.
fn probes(pod: &StaticPod, target: &Target) -> Vec<(String, String)> {
    // kubelet asks as nobody, and the target is asked as an administrator: who may ask matters where it was said.
    let same_for_all =
        ["anonymous-auth", "authentication-config"].iter().all(|flag| pod.flag(flag).is_none());
    let own = target.host_and_port().map_or("127.0.0.1", |(host, _)| host);
    let asked = KILLING.into_iter().filter_map(|name| pod.http_probe(name)).map(|probe| {
        let host = reachable(probe.host.as_deref().unwrap_or(own));
        (format!("{}://{}", probe.scheme, join_host_port(&host, probe.port)), probe.path)
    });
    let mut probes: Vec<_> =
        asked.filter(|(base, path)| !same_for_all || *base != target.base || path != target.path).collect();
    probes.dedup();
    probes
}

fn https(host: &str, port: Option<String>, default_port: u16) -> String {
    let port = port.and_then(|p| p.parse().ok()).unwrap_or(default_port);
    format!("https://{}", join_host_port(&reachable(host), port))
}

/// An address to ask a server at that listens on `host`.
fn reachable(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => "127.0.0.1".into(),
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => "::1".into(),
        _ if host.is_empty() => "127.0.0.1".into(),
        _ => host.into(),
    }
}

fn reachable_url(url: &str) -> String {
    url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(component: Component, flags: &[&str]) -> String {
        let mut command = vec![component.name()];
        command.extend(flags);
        let pod = json!({ "spec": { "containers": [{ "command": ["sidecar"] }, { "command": command }] } });
        let target = target(&StaticPod::new(component, pod));
        format!("{}{}", target.base, target.path)
    }

    #[test]
    fn two_components_on_one_port_are_found() {
        let target =
            |component, base: &str| Target { component, base: base.into(), path: "/healthz", probes: vec![] };
        let etcd = target(Component::Etcd, "http://127.0.0.1:2381");
        let server = target(Component::ApiServer, "https://10.0.0.1:6443");
        let apart = target(Component::ControllerManager, "https://127.0.0.1:10257");
        assert_eq!(shared(&[etcd.clone(), server.clone(), apart]), None);
        let same = target(Component::ControllerManager, "https://127.0.0.1:6443");
        assert_eq!(shared(&[etcd, server.clone(), same.clone()]), Some((&server, &same)));
    }

    #[test]
    fn targets_follow_the_flags() {
        assert_eq!(
            at(Component::ApiServer, &["--advertise-address=fd00::1", "--secure-port=7443"]),
            "https://[fd00::1]:7443/livez"
        );
        assert_eq!(
            at(Component::ControllerManager, &["--bind-address=0.0.0.0", "--secure-port", "1"]),
            "https://127.0.0.1:1/healthz"
        );
        assert_eq!(
            at(Component::Scheduler, &["--bind-address=::", "--bind-address=::"]),
            "https://[::1]:10259/livez"
        );
        assert_eq!(at(Component::Scheduler, &["--secure-port=junk"]), "https://127.0.0.1:10259/livez");
        assert_eq!(
            at(Component::Etcd, &["--listen-metrics-urls=http://0.0.0.0:2381,http://x:1"]),
            "http://127.0.0.1:2381/health"
        );
    }

    #[test]
    fn probes_are_those_that_ask_something_else_than_the_target() {
        let probes = |get: Value, flag: &str| {
            let container = json!({ "name": "kube-apiserver", "livenessProbe": { "httpGet": get },
                "command": ["kube-apiserver", "--advertise-address=fd00::1", flag] });
            let pod = json!({ "spec": { "containers": [container] } });
            Target::of_manifest(Component::ApiServer, pod).probes
        };
        let probe = |path: &str| json!({ "scheme": "HTTPS", "host": "fd00::1", "port": 6443, "path": path });
        let asked = |path: &str| vec![("https://[fd00::1]:6443".to_owned(), path.to_owned())];
        assert_eq!(probes(probe("/livez"), "--v=1"), []);
        assert_eq!(probes(probe("/nowhere"), "--v=1"), asked("/nowhere"));
        assert_eq!(probes(probe("/livez"), "--anonymous-auth=false"), asked("/livez"));
        let no_host = json!({ "scheme": "HTTPS", "port": 6443, "path": "/livez" });
        assert_eq!(probes(no_host, "--v=1"), []);
    }
}
