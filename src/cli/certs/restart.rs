//! Who still uses an old certificate, and `--restart`.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::renew::AREA;
use crate::certs::serving::{Machine, Standing, Use, Way, pod};
use crate::certs::{Pki, Stop, roll};
use crate::cli::value::{Boolean as _, duration};
use crate::config::duration::GoDuration;
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::health::{LiveWatch, Watch, Watched, target};
use crate::host::cri::{CriClient, CriEndpoint};
use crate::host::{self, Host};
use crate::kubeconfig::Kubeconfig;
use crate::manifest::Component;
use crate::output::Printer;
use crate::pki::Certificate;
use crate::yaml;

/// How long components get to read their files again by themselves: kube-apiserver watches them.
const SETTLE: Duration = Duration::from_secs(5);
/// How long a container gets to end: kubelet's grace for static Pods.
const GRACE: Duration = Duration::from_secs(30);

/// Flags of `--restart`.
#[derive(Args, Debug)]
pub(super) struct Restart {
    /// Restart the components that still use an old certificate, one at a time, and wait until each is healthy
    #[arg(long, boolean())]
    restart: Option<bool>,
    /// With --restart: how long each may take to be healthy again
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "4m0s")]
    restart_timeout: GoDuration,
    /// With --restart: the runtime's CRI socket (default: kubelet's)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
}

impl Restart {
    /// Whether it was asked for.
    pub(super) fn wanted(&self) -> bool {
        self.restart == Some(true)
    }

    /// Restarts components; returns their names.
    ///
    /// # Errors
    /// When one can't be, or does not become healthy again.
    pub(super) fn run(
        &self,
        components: &[Component],
        pki: &Pki,
        host: &dyn Host,
        out: &Printer,
    ) -> Result<Vec<&'static str>, Error> {
        let failed = |e: String| Error::new(ExitStatus::Failed, format!("--restart: {e}"));
        let socket = self.cri_socket.clone().unwrap_or_else(|| cri_socket(host));
        let mut watch = LiveWatch::default();
        watch.begin(&watched(pki, &socket, host)).map_err(failed)?;
        let mut stop = Runtimes::connect(&socket).map_err(failed)?;
        let mut done = vec![];
        let tell = &mut |component: Component, took: Duration| {
            done.push(component.name());
            out.log(
                AREA,
                format!("Restarted {}: healthy after {:.1} s", component.name(), took.as_secs_f64()),
            );
        };
        for component in components {
            out.log(AREA, format!("Restarting {}", component.name()));
            roll(&[*component], &mut watch, &mut stop, self.restart_timeout.as_std(), tell)
                .map_err(|e| Error::new(ExitStatus::Unhealthy, e))?;
        }
        Ok(done)
    }
}

/// How everybody stands to what is on disk, once those that read their files again had the time to.
pub(super) fn settle(users: &[Use], host: &dyn Host) -> Vec<(Use, Standing)> {
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
pub(super) fn old(standings: &[(Use, Standing)]) -> Vec<Component> {
    let old =
        |c: &Component| standings.iter().any(|(u, s)| u.component == *c && matches!(s, Standing::Old(_)));
    Component::ALL.into_iter().filter(old).collect()
}

/// Whether a component of the control plane uses this certificate.
pub(super) fn is_of_component(name: &str) -> bool {
    !["admin.conf", "super-admin.conf", "etcd-healthcheck-client"].contains(&name)
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
            format!("{component} comes to use {file} by itself, on new connections, within minutes")
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

/// The runtime that stops containers.
struct Runtimes {
    cri: CriClient,
}

impl Runtimes {
    fn connect(socket: &str) -> Result<Self, String> {
        let endpoint: CriEndpoint = socket.parse().map_err(|e| format!("{socket}: {e}"))?;
        let cri = host::block_on(CriClient::connect(&endpoint)).map_err(|e| e.to_string())?;
        Ok(Self { cri: cri.map_err(|e| e.to_string())? })
    }
}

impl Stop for Runtimes {
    fn stop(&mut self, container: &str) -> Result<(), String> {
        let stopped = host::block_on(self.cri.stop_container(container, GRACE)).map_err(|e| e.to_string())?;
        stopped.map_err(|e| e.to_string())
    }
}

/// What to watch: all components with a manifest here.
fn watched(pki: &Pki, cri_socket: &str, host: &dyn Host) -> Watched {
    let manifests = pki.kubeconfigs.join("manifests");
    let targets = Component::ALL.into_iter().filter_map(|c| Some(target(c, &pod(&manifests, c, host)?)));
    let admin = ["super-admin.conf", "admin.conf"].into_iter().find_map(|name| {
        let text = host.read(&pki.kubeconfigs.join(name)).ok()??;
        Kubeconfig::parse(std::str::from_utf8(&text).ok()?).ok()
    });
    Watched {
        targets: targets.collect(),
        // A restart by the runtime needs kubelet, but its health is not what is asked here.
        kubelet: None,
        cri_socket: cri_socket.to_owned(),
        node_name: node_name(pki, host).unwrap_or_else(|| host::gather().hostname.to_lowercase()),
        kubeconfig: admin,
    }
}

/// The Node's name, after which kubelet calls static Pods: that of kubelet's certificate.
fn node_name(pki: &Pki, host: &dyn Host) -> Option<String> {
    let text = host.read(&pki.kubeconfigs.join("kubelet.conf")).ok()??;
    let kubeconfig = Kubeconfig::parse(std::str::from_utf8(&text).ok()?).ok()?;
    let user = kubeconfig.current_user()?;
    let pem = if user.client_certificate.is_empty() {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(&user.client_certificate_data).ok()?
    } else {
        host.read(Path::new(&user.client_certificate)).ok()??
    };
    let certificate = Certificate::from_pem(&pem).ok()?;
    certificate.subject().common_name.strip_prefix("system:node:").map(str::to_owned)
}

/// kubelet's CRI socket: from its own configuration, else the one that is there.
fn cri_socket(host: &dyn Host) -> String {
    let configured = ["/var/lib/kubelet/instance-config.yaml", "/var/lib/kubelet/config.yaml"];
    let of = |file: &str| -> Option<String> {
        let text = host.read(Path::new(file)).ok()??;
        let value = yaml::parse_values(std::str::from_utf8(&text).ok()?).ok()?.into_iter().next()?;
        value.get("containerRuntimeEndpoint")?.as_str().filter(|s| !s.is_empty()).map(str::to_owned)
    };
    let known = configured.into_iter().find_map(of);
    known
        .or_else(|| host::gather().cri_sockets.into_iter().next())
        .unwrap_or_else(|| DEFAULT_CRI_SOCKET.into())
}
