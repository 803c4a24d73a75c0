//! Ports that kubelet and the control plane will listen on.

use std::net::IpAddr;

use crate::components::with_kubelet_flags;
use crate::config::args::last_value;
use crate::config::kubelet::KubeletConfiguration;
use crate::config::names;
use crate::config::v1beta4::Arg;
use crate::config::{NodeSettings, Settings};
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::host::net::Listener;
use crate::manifest::Component;
use crate::preflight::config::existing::{Existing, KubeletConf, kubelet_conf, manifest};

/// Whose port it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Component(Component),
    Kubelet,
}

impl Owner {
    fn program(self) -> &'static str {
        match self {
            Self::Component(component) => component.name(),
            Self::Kubelet => "kubelet",
        }
    }
}

/// A port that is to be listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) number: u16,
    pub(crate) owner: Owner,
    /// The addresses that are listened on; empty for all.
    addresses: Vec<IpAddr>,
}

impl Port {
    /// Whether a listener keeps this port from being listened on. One on another address does not: a load balancer on a
    /// virtual IP address beside an API server with a `bind-address` of its own.
    fn clashes_with(&self, listener: &Listener) -> bool {
        let theirs = listener.address.ip();
        self.addresses.is_empty() || theirs.is_unspecified() || self.addresses.contains(&theirs)
    }
}

/// The address of a flag or field; none, for all, where it is unspecified or can't be read.
fn address(text: &str) -> Vec<IpAddr> {
    names::ip(text).filter(|ip| !ip.is_unspecified()).into_iter().collect()
}

/// The ports that kubelet listens on with its flags: the default ones without a configuration.
pub(crate) fn of_kubelet(configuration: Option<&KubeletConfiguration>, args: &[Arg]) -> Vec<Port> {
    let k = with_kubelet_flags(configuration, args);
    let port = |value: Option<i32>, default| value.map_or(Some(default), |p| u16::try_from(p).ok());
    let on = |number, addresses| Port { number, owner: Owner::Kubelet, addresses };
    let main = port(Some(k.port).filter(|p| *p != 0), 10250);
    let main = main.map(|number| on(number, address(&k.address)));
    let health = port(k.healthz_port, 10248).filter(|p| *p != 0);
    let given = if k.healthz_bind_address.is_empty() { "127.0.0.1" } else { &k.healthz_bind_address };
    let health = health.map(|number| on(number, address(given)));
    main.into_iter().chain(health).collect()
}

/// The ports, in kubeadm's order; those that kubeadm does not check are last.
pub(crate) fn ports(settings: &Settings) -> Vec<Port> {
    let cluster = &settings.cluster.config;
    let component = |component, number, args: &[Arg], default: &str| Port {
        number,
        owner: Owner::Component(component),
        addresses: address(last_value(args, "bind-address").unwrap_or(default)),
    };
    let secure_port = |args, default| {
        last_value(args, "secure-port").and_then(|p| p.parse().ok()).filter(|p| *p != 0).unwrap_or(default)
    };
    let (api_server, controller_manager, scheduler) = (
        &cluster.api_server.extra_args,
        &cluster.controller_manager.extra_args,
        &cluster.scheduler.extra_args,
    );
    let local = "127.0.0.1";
    let args = &settings.node.registration.kubelet_extra_args;
    let mut kubelet = of_kubelet(settings.cluster.kubelet.as_ref(), args).into_iter();
    let mut ports = vec![
        component(Component::ApiServer, settings.node.bind_port, api_server, ""),
        component(Component::Scheduler, secure_port(scheduler, 10259), scheduler, local),
        component(
            Component::ControllerManager,
            secure_port(controller_manager, 10257),
            controller_manager,
            local,
        ),
    ];
    ports.extend(kubelet.next());
    if let Some(etcd) = &cluster.etcd.local {
        let (local, advertised) = (address(local), vec![settings.node.advertise_address]);
        for (number, flag, addresses) in [
            (2379, "listen-client-urls", [local.clone(), advertised.clone()].concat()),
            (2380, "listen-peer-urls", advertised),
            (2381, "listen-metrics-urls", local),
        ] {
            let given = last_value(&etcd.extra_args, flag).is_some();
            if given && number == 2381 {
                continue;
            }
            let addresses = if given { vec![] } else { addresses };
            ports.push(Port { number, owner: Owner::Component(Component::Etcd), addresses });
        }
    }
    ports.extend(kubelet);
    ports
}

pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine, port: &Port) -> Vec<Finding> {
    let mut listeners = machine.listeners_on(port.number);
    listeners.retain(|listener| port.clashes_with(listener));
    let Port { number: port, owner, .. } = *port;
    let Some(first) = listeners.first() else { return vec![] };
    let holder = listeners.iter().find_map(|l| l.process.as_ref());
    let program = owner.program();
    let evidence: Vec<String> = listeners.iter().map(ToString::to_string).collect();
    if holder.is_some_and(|p| p.is(program)) && is_ours(node, machine, owner) {
        return vec![
            Finding::info(format!("port {port} is used by this node's own {program}, from an earlier run"))
                .evidences(evidence),
        ];
    }
    let finding =
        Finding::error(format!("Port {port} is in use, and {program} needs it")).evidences(evidence);
    let Some(process) = holder else {
        // Whoever starts or ends at this moment is not to be found; kubelet starts our own again after each failure.
        if owner != Owner::Kubelet && is_ours(node, machine, owner) {
            let what = format!(
                "port {port} is used by a process that could not be found: most likely this node's own {program}, which is just starting or ending"
            );
            return vec![Finding::warning(what).evidences(finding.evidence)];
        }
        let fix = format!("find its process with `ss -ltnp 'sport = :{port}'` and stop it");
        let cause = format!("a process of user id {} uses it", first.uid);
        return vec![finding.cause(cause).fix(fix)];
    };
    let stop = match &process.unit {
        Some(unit) => format!("`systemctl disable --now {unit}`"),
        None => format!("`kill {}`", process.pid),
    };
    let other = match owner {
        Owner::Component(Component::ApiServer) => {
            "; or choose another port with `--apiserver-bind-port`, or another address with `bind-address` in apiServer.extraArgs"
        }
        _ => "",
    };
    let command = process.command_line();
    let another =
        ["k3s", "rke2", "k0s", "microk8s", "minikube", "kubelite"].iter().find(|n| command.contains(**n));
    vec![match another {
        Some(name) => finding
            .cause(format!("another Kubernetes, {name}, runs on this machine"))
            .fix(format!("uninstall {name}, or use another machine")),
        None if process.is(program) => finding
            .cause(format!(
                "a {program} of another cluster runs here: it does not belong to this node's manifests"
            ))
            .fix("if the other cluster is no longer needed, `kubestrap reset` removes it; then run again"),
        None => finding
            .cause(format!("process {} (`{}`) listens on it", process.pid, process.name))
            .fix(format!("{stop}{other}")),
    }]
}

/// Whether a process of this kind is what an earlier run of init started.
fn is_ours(node: &NodeSettings, machine: &dyn Machine, owner: Owner) -> bool {
    match owner {
        Owner::Component(component) => manifest(node, machine, component) == Existing::Ours,
        // One without a kubeconfig is in no cluster yet: the packages' service, waiting for its configuration.
        Owner::Kubelet => !matches!(kubelet_conf(node, machine), KubeletConf::Foreign(_)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, process, settings};

    fn held(port: u16, command: &str, unit: Option<&str>) -> FakeMachine {
        FakeMachine::with(|m| {
            let mut process = process(77, command);
            process.unit = unit.map(str::to_owned);
            let address = format!("0.0.0.0:{port}").parse().unwrap();
            m.listeners = vec![Listener { address, uid: 0, process: Some(process) }];
        })
    }

    const MANIFEST: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system, labels: {component: kube-apiserver}}\nspec: {containers: []}\n";

    #[test]
    fn process_on_a_port_is_named_with_how_to_stop_it() {
        let found =
            held(6443, "/usr/sbin/nginx -g x", Some("nginx.service")).finding("Port-6443", &settings(""));
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.evidence, ["0.0.0.0:6443: process 77, nginx.service: /usr/sbin/nginx -g x"]);
        let fix = found.fix.unwrap();
        assert!(
            fix.contains("systemctl disable --now nginx.service") && fix.contains("--apiserver-bind-port")
        );
        let found = held(2379, "/usr/bin/nc -l 2379", None).finding("Port-2379", &settings(""));
        assert_eq!(found.fix.as_deref(), Some("`kill 77`"));
        let found = held(10250, "/usr/local/bin/k3s server", None).finding("Port-10250", &settings(""));
        assert!(found.cause.unwrap().contains("k3s"));
    }

    #[test]
    fn own_static_pod_is_no_error_while_its_manifest_and_pki_exist() {
        let mut machine = held(6443, "kube-apiserver --secure-port=6443", None);
        let severity = |m: &FakeMachine| m.finding("Port-6443", &settings("")).severity;
        assert_eq!(severity(&machine), Severity::Error);
        machine.file("/etc/kubernetes/manifests/kube-apiserver.yaml", MANIFEST);
        assert_eq!(severity(&machine), Severity::Error, "its PKI is gone");
        machine.file("/etc/kubernetes/pki/ca.crt", "x");
        assert_eq!(severity(&machine), Severity::Info);
        // Another program on the port is foreign, whatever manifests there are.
        machine.listeners[0].process = Some(process(5, "nc -l 6443"));
        assert_eq!(severity(&machine), Severity::Error);
        machine.listeners[0].process = None;
        assert_eq!(severity(&machine), Severity::Warning, "our own, which starts or ends just now");
        machine.files.remove(Path::new("/etc/kubernetes/manifests/kube-apiserver.yaml"));
        assert_eq!(severity(&machine), Severity::Error);
        assert!(machine.finding("Port-6443", &settings("")).fix.unwrap().contains("ss -ltnp"));
    }

    #[test]
    fn kubelet_without_a_cluster_is_ours() {
        let machine = held(10250, "/usr/bin/kubelet", None);
        assert_eq!(machine.finding("Port-10250", &settings("")).severity, Severity::Info);
    }

    #[test]
    fn listener_on_another_address_is_no_conflict() {
        let on = |address: &str| {
            FakeMachine::with(|m| {
                let process = Some(process(9, "haproxy -f /etc/haproxy.cfg"));
                m.listeners = vec![Listener { address: address.parse().unwrap(), uid: 0, process }];
            })
        };
        let bound = settings("apiServer: {extraArgs: [{name: bind-address, value: 192.0.2.10}]}\n");
        assert_eq!(on("192.0.2.100:6443").check("Port-6443", &bound), []);
        for (address, settings) in [
            ("192.0.2.100:6443", settings("")),
            ("192.0.2.10:6443", bound.clone()),
            ("0.0.0.0:6443", bound.clone()),
            ("[::]:6443", bound),
        ] {
            let found = on(address).finding("Port-6443", &settings);
            assert_eq!(found.severity, Severity::Error, "{address}");
        }
        // etcd listens on the advertise address, and for clients on 127.0.0.1 too.
        assert_eq!(on("127.0.0.1:2380").check("Port-2380", &settings("")), []);
        assert_eq!(on("127.0.0.1:2379").finding("Port-2379", &settings("")).severity, Severity::Error);
    }

    #[test]
    fn ports_follow_the_configuration() {
        let port = |text: &str| ports(&settings(text)).iter().map(|p| p.number).collect::<Vec<_>>();
        assert_eq!(port(""), [6443, 10259, 10257, 10250, 2379, 2380, 2381, 10248]);
        let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\nscheduler: {extraArgs: [{name: secure-port, value: '20259'}]}\n";
        assert_eq!(port(external), [6443, 20259, 10257, 10250, 10248]);
        let flags = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: [{name: port, value: '20250'}, {name: healthz-port, value: '0'}]}\n";
        assert_eq!(port(flags), [6443, 10259, 10257, 20250, 2379, 2380, 2381]);
    }
}
