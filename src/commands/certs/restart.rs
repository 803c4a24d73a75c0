//! Who still uses an old certificate, and `--restart`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::certs::serving::{Machine, Standing, Use, Way, pod};
use crate::certs::{Pki, Restart, roll};
use crate::config::Paths;
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::health::{LiveWatch, Watch, Watched, target};
use crate::host::cri::{CriClient, CriEndpoint};
use crate::host::{self, CriRuntime, Host};
use crate::kubeconfig::Kubeconfig;
use crate::manifest::Component;
use crate::node::{StaticPods, identity};
use crate::output::Printer;

pub(super) const AREA: &str = "renew";

/// How long components get to read their files again by themselves: kube-apiserver watches them.
const SETTLE: Duration = Duration::from_secs(5);
/// How long a container gets to end: kubelet's grace for static Pods.
const GRACE: Duration = Duration::from_secs(30);

/// How components are restarted.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// How long each may take to be healthy again.
    pub(crate) limit: Duration,
    /// The runtime's CRI socket, if not the one that kubelet uses.
    pub(crate) cri_socket: Option<String>,
}

/// Restarts components; returns their names.
///
/// # Errors
/// When one can't be, or does not become healthy again.
pub(crate) fn run(
    terms: &Terms,
    components: &[Component],
    pki: &Pki,
    host: &dyn Host,
    out: &Printer,
) -> Result<Vec<&'static str>, Error> {
    let failed = |e: String| Error::new(ExitStatus::Failed, format!("--restart: {e}"));
    let paths = Paths::new(&pki.certificates.to_string_lossy(), Some(&pki.kubeconfigs));
    let socket = terms.cri_socket.clone().map_or_else(|| cri_socket(&paths, host), Ok)?;
    let name = identity::node_name(&paths, host).map_err(|e| failed(e.to_string()))?;
    let name = name.unwrap_or_else(|| host::gather().hostname.to_lowercase());
    let mut watch = LiveWatch::default();
    watch.begin(&watched(pki, &socket, name.clone(), host)).map_err(failed)?;
    let runtime = CriRuntime::new(&socket).map_err(|e| failed(e.to_string()))?;
    let mut node = Node { host, socket: &socket, runtime, name: &name };
    let mut done = vec![];
    let tell = &mut |component: Component, took: Duration| {
        done.push(component.name());
        out.log(AREA, format!("Restarted {}: healthy after {:.1} s", component.name(), took.as_secs_f64()));
    };
    for component in components {
        out.log(AREA, format!("Restarting {}", component.name()));
        roll(&[*component], &mut watch, &mut node, terms.limit, tell)
            .map_err(|e| Error::new(ExitStatus::Unhealthy, e))?;
    }
    Ok(done)
}

/// How everybody stands to what is on disk, once those that read their files again had the time to.
pub(crate) fn settle(users: &[Use], host: &dyn Host) -> Vec<(Use, Standing)> {
    let begin = Instant::now();
    loop {
        let now: Vec<(Use, Standing)> =
            users.iter().map(|u| (u.clone(), u.standing(host, &Machine))).collect();
        let may_change =
            now.iter().any(|(u, s)| matches!((&u.way, s), (Way::Serves { .. }, Standing::Old(_))));
        if !may_change || begin.elapsed() > SETTLE {
            return now;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// The components that use an old one, in the order of restarting.
pub(crate) fn old(standings: &[(Use, Standing)]) -> Vec<Component> {
    let old =
        |c: &Component| standings.iter().any(|(u, s)| u.component == *c && matches!(s, Standing::Old(_)));
    Component::ALL.into_iter().filter(old).collect()
}

/// A standing for people.
pub(super) fn words(used: &Use, standing: &Standing) -> String {
    let (component, file) = (used.component.name(), used.file().display());
    let at = match &used.way {
        Way::Serves { address, .. } => format!(" at {address}"),
        Way::ReadsOnce { .. } | Way::ReadsAgain { .. } => String::new(),
    };
    match standing {
        Standing::Current => format!("{component}{at} uses the one on disk ({file})"),
        Standing::Old(how) => format!("{component} STILL USES ANOTHER than {file}: {how}"),
        Standing::Soon => {
            format!("{component} picks up {file} by itself, on new connections, within minutes")
        }
        Standing::Stopped(how) => format!("{component} does not use {file} now: {how}"),
        Standing::Unknown(why) => format!("{component}: can't tell whether it uses {file}: {why}"),
    }
}

/// A standing for machines.
pub(super) fn component_json(used: &Use, standing: &Standing) -> Value {
    let (state, evidence) = match standing {
        Standing::Current => ("current", ""),
        Standing::Old(how) => ("old", how.as_str()),
        Standing::Soon => ("soon", ""),
        Standing::Stopped(how) => ("stopped", how.as_str()),
        Standing::Unknown(why) => ("unknown", why.as_str()),
    };
    let mut value = json!({ "component": used.component.name(), "file": used.file(), "state": state });
    if let Some(fields) = value.as_object_mut() {
        if let Way::Serves { address, .. } = &used.way {
            fields.insert("address".into(), json!(address));
        }
        if !evidence.is_empty() {
            fields.insert("evidence".into(), json!(evidence));
        }
    }
    value
}

/// The machine, on which static Pods are restarted.
struct Node<'a> {
    host: &'a dyn Host,
    socket: &'a str,
    runtime: CriRuntime,
    name: &'a str,
}

impl Restart for Node<'_> {
    fn restart(&mut self, component: Component, container: &str) -> Result<(), String> {
        // With kubelet out of the way it is down no longer than it takes to stop and to start.
        if self.host.init_system().is_some_and(|init| init.state("kubelet").active) {
            let pods = StaticPods { host: self.host, runtime: &self.runtime, node_name: self.name };
            return pods.restart(component).map(drop).map_err(|e| e.to_string());
        }
        let endpoint: CriEndpoint = self.socket.parse().map_err(|e| format!("{}: {e}", self.socket))?;
        let stopped = host::block_on(async {
            CriClient::connect(&endpoint).await?.stop_container(container, GRACE).await
        });
        stopped.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
    }
}

/// What to watch: all components with a manifest here.
fn watched(pki: &Pki, cri_socket: &str, node_name: String, host: &dyn Host) -> Watched {
    let manifests = pki.kubeconfigs.join("manifests");
    let targets = Component::ALL.into_iter().filter_map(|c| Some(target(&pod(&manifests, c, host)?)));
    let admin = ["super-admin.conf", "admin.conf"].into_iter().find_map(|name| {
        let text = host.read(&pki.kubeconfigs.join(name)).ok()??;
        Kubeconfig::parse(std::str::from_utf8(&text).ok()?).ok()
    });
    Watched {
        targets: targets.collect(),
        // A restart by the runtime needs kubelet, but its health is not what is asked here.
        kubelet: None,
        cri_socket: cri_socket.to_owned(),
        node_name,
        kubeconfig: admin,
    }
}

/// The CRI socket that kubelet uses, else the one that exists.
fn cri_socket(paths: &Paths, host: &dyn Host) -> Result<String, Error> {
    let known = identity::cri_socket(paths, host)?.or_else(|| host::gather().cri_sockets.into_iter().next());
    Ok(known.unwrap_or_else(|| DEFAULT_CRI_SOCKET.into()))
}
