//! The ports of all that listens on a control-plane node, where all share the machine's network: no two of them can have
//! the same one.

use std::net::IpAddr;

use super::command::Command;
use super::kubelet::Kubelet;
use super::program::Program;
use super::verdict::Verdict;
use super::{Subject, kind, kube_proxy};
use crate::config::names;
use crate::manifest::Component;
use crate::node::{LIVENESS, StaticPod};

/// Something that listens.
struct Listener {
    /// Its program.
    who: &'static str,
    /// The flag or field that sets the port.
    what: String,
    port: u16,
    /// None for all addresses.
    address: Option<IpAddr>,
    /// The port that nobody set.
    usual: bool,
    kind: &'static str,
    path: String,
}

impl Listener {
    fn clashes_with(&self, other: &Self) -> bool {
        let same = (self.who, &self.what) == (other.who, &other.what);
        let everywhere = self.address.is_none() || other.address.is_none();
        !same && self.port == other.port && (everywhere || self.address == other.address)
    }
}

/// What can't listen, as something else does.
pub(super) fn judge(subject: &Subject<'_>, commands: &[Command], kubelet: &Kubelet<'_>) -> Vec<Verdict> {
    let mut listeners: Vec<Listener> = commands.iter().flat_map(of_command).collect();
    if listeners.is_empty() {
        return vec![];
    }
    listeners.extend(of_kubelet(kubelet));
    listeners.extend(of_kube_proxy(subject));
    let mut verdicts = vec![];
    for (i, a) in listeners.iter().enumerate() {
        for b in listeners.iter().skip(i + 1).filter(|b| a.clashes_with(b)) {
            let (own, other) = if b.usual && !a.usual { (a, b) } else { (b, a) };
            let message = format!(
                "{} `{}`: port {} is {}'s (`{}`): choose another",
                own.who, own.what, own.port, other.who, other.what
            );
            let verdict = Verdict::error("port", own.kind, own.path.clone(), message)
                .because("both are on the machine's network, and only one can listen there");
            // kube-proxy goes on without what it can't listen at.
            let goes_on = [own, other].iter().any(|listener| listener.who == "kube-proxy");
            verdicts.push(if goes_on { verdict.warning() } else { verdict });
        }
    }
    let api_server = commands.iter().find(|command| command.program == Program::ApiServer);
    verdicts.extend(api_server.and_then(|command| node_ports(command, &listeners)));
    verdicts
}

/// Ports that Services could be given, and that are taken.
fn node_ports(command: &Command, listeners: &[Listener]) -> Option<Verdict> {
    let given = command.last("service-node-port-range")?;
    let (first, last) = kind::port_range(&given.value).ok().filter(|(first, _)| *first > 0)?;
    let taken: Vec<String> = listeners
        .iter()
        .filter(|listener| (first..=last).contains(&listener.port))
        .map(|listener| format!("{} ({})", listener.port, listener.who))
        .collect();
    let message = format!(
        "kube-apiserver `--{}`: has ports that are taken on control-plane nodes: {}",
        given.name,
        taken.join(", ")
    );
    let (kind, _) = command.program.args();
    (!taken.is_empty()).then(|| Verdict::error("port", kind, command.path(given), message).warning())
}

fn number(text: &str) -> Option<u16> {
    u16::try_from(kind::number(text)?).ok()
}

fn of_command(command: &Command) -> Vec<Listener> {
    let who = command.program.name();
    let (kind, args) = command.program.args();
    let listener = |flag: &'static str, port, address: Option<IpAddr>, usual| {
        let given = command.last(flag).filter(|given| command.is_users(given));
        let (kind, path) = match given {
            // The flag is made from the field.
            None if command.program == Program::ApiServer => {
                ("InitConfiguration", "localAPIEndpoint.bindPort".to_owned())
            }
            None => (kind, args.to_owned()),
            Some(given) => (kind, command.path(given)),
        };
        Listener {
            who,
            what: flag.to_owned(),
            port,
            address: address.filter(|ip| !ip.is_unspecified()),
            usual,
            kind,
            path,
        }
    };
    let secure = |usual: u16| {
        let port = command.value("secure-port").map_or(Some(usual), number);
        let address = command.value("bind-address").and_then(names::ip);
        let port = port.filter(|port| *port != 0);
        port.map(|port| listener("secure-port", port, address, port == usual)).into_iter().collect::<Vec<_>>()
    };
    match command.program {
        Program::ApiServer => secure(6443),
        Program::ControllerManager => secure(10257),
        Program::Scheduler => secure(10259),
        Program::Etcd => {
            let flags =
                [("listen-client-urls", 2379), ("listen-peer-urls", 2380), ("listen-metrics-urls", 2381)];
            let urls = flags.into_iter().flat_map(|(flag, usual)| {
                let items = command.last(flag).map(|given| given.value.split(',')).into_iter().flatten();
                items.map(move |item| (flag, usual, item))
            });
            urls.filter_map(|(flag, usual, item)| {
                let (_, address, port) = kind::url_host(item)?;
                let port = port.parse::<u16>().ok()?;
                Some(listener(flag, port, address, port == usual))
            })
            .collect()
        }
        Program::Kubelet => vec![],
    }
}

fn of_kubelet(kubelet: &Kubelet<'_>) -> Vec<Listener> {
    let k = &kubelet.fields;
    let listener = |field: &str, given: Option<i32>, usual: u16, address: Option<IpAddr>| {
        let port = given.map_or(Some(usual), |port| u16::try_from(port).ok()).filter(|port| *port != 0)?;
        let address = address.filter(|ip| !ip.is_unspecified());
        let (kind, path, flag) = kubelet.place(field);
        let what = flag.unwrap_or(field).to_owned();
        Some(Listener { who: "kubelet", what, port, address, usual: port == usual, kind, path })
    };
    let main = names::ip(&k.address);
    let health = if k.healthz_bind_address.is_empty() { "127.0.0.1" } else { &k.healthz_bind_address };
    [
        listener("port", Some(k.port).filter(|port| *port != 0), 10250, main),
        listener("readOnlyPort", Some(k.read_only_port), 0, main),
        listener("healthzPort", k.healthz_port, 10248, names::ip(health)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_kube_proxy(subject: &Subject<'_>) -> Vec<Listener> {
    let configuration = subject.kube_proxy;
    let listener = |what: &'static str, given: Option<&String>, usual: &str| {
        let text = given.filter(|text| !text.is_empty()).map_or(usual, String::as_str);
        let (address, port) = kind::host_and_port(text)?;
        let address = names::ip(address).filter(|ip| !ip.is_unspecified());
        let port = port.parse::<u16>().ok().filter(|port| *port != 0)?;
        let usual = usual.ends_with(&format!(":{port}"));
        let (what, path) = (what.to_owned(), what.to_owned());
        Some(Listener { who: "kube-proxy", what, port, address, usual, kind: kube_proxy::KIND, path })
    };
    let health = configuration.map(|c| &c.healthz_bind_address);
    let metrics = configuration.map(|c| &c.metrics_bind_address);
    let listeners = [
        listener("healthzBindAddress", health, "0.0.0.0:10256"),
        listener("metricsBindAddress", metrics, "127.0.0.1:10249"),
    ];
    listeners.into_iter().flatten().collect()
}

/// A port that kubelet's probes of a component do not ask at: it is killed again and again.
pub(super) fn probed(command: &Command, subject: &Subject<'_>) -> Option<Verdict> {
    let given = command.last("secure-port").filter(|given| command.is_users(given))?;
    let component =
        Component::ALL.into_iter().find(|component| Program::of(*component) == command.program)?;
    let (_, pod) = subject.pods.iter().find(|(of, _)| *of == component)?;
    let probed = StaticPod::new(component, serde_json::to_value(pod).ok()?).http_probe(LIVENESS)?.port;
    if kind::number(&given.value) == Some(probed.into()) {
        return None;
    }
    let instead = match component {
        Component::ApiServer => "set `localAPIEndpoint.bindPort` instead",
        _ => "leave it out",
    };
    let message = format!(
        "{} `--{}`: kubelet probes it at port {probed}, and would kill it when it listens at {}: {instead}",
        component.name(),
        given.name,
        given.value
    );
    let (kind, _) = command.program.args();
    Some(Verdict::error("port", kind, command.path(given), message))
}
