//! `wait-control-plane`: until kubelet and every component are healthy, or are seen not to become so.

use std::time::{Duration, Instant};

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::health::{Snapshot, Stage, Watched, target};
use crate::host::cri::log;
use crate::kubeconfig::Kubeconfig;
use crate::manifest::Component;
use crate::output::LiveView;
use crate::{kubelet, yaml};

const AREA: &str = "wait-control-plane";
/// How often to look.
const PERIOD: Duration = Duration::from_millis(100);
/// How many of a failed container's last lines to show.
const LAST_LINES: usize = 10;

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new(AREA, "Wait until the control plane is healthy", run)
}

fn run(context: &mut InitContext) -> PhaseResult {
    let watched = watched(context)?;
    context.out.log(
        AREA,
        format!(
            "Waiting for kubelet to start the static Pods in \"{}\"",
            context.settings.paths.manifests.display()
        ),
    );
    context.watch.begin(&watched).map_err(|e| PhaseError::new(Failure::Failed, e))?;
    let timeouts = context.settings.timeouts;
    let start = Instant::now();
    let mut kubelet_since = start;
    let mut view = LiveView::new(&context.out, AREA);
    loop {
        let snapshot = context.watch.snapshot();
        show(&mut view, &snapshot);
        if snapshot.healthy() {
            view.close();
            return Ok(Outcome::Done);
        }
        if snapshot.kubelet.is_none() {
            kubelet_since = Instant::now();
        }
        let late = if snapshot.kubelet.is_some() && kubelet_since.elapsed() > timeouts.kubelet {
            Some(format!("kubelet is not healthy after {} s", timeouts.kubelet.as_secs()))
        } else if start.elapsed() > timeouts.control_plane {
            Some(format!("the control plane is not healthy after {} s", timeouts.control_plane.as_secs()))
        } else {
            None
        };
        if let Some(late) = late {
            view.close();
            return Err(PhaseError::new(
                Failure::Unhealthy,
                format!("{late}\n{}", report(&snapshot, &watched.cri_socket)),
            ));
        }
        std::thread::sleep(PERIOD);
    }
}

fn show(view: &mut LiveView, snapshot: &Snapshot) {
    match &snapshot.kubelet {
        None => view.show("kubelet", "healthy", true),
        Some(_) => view.show("kubelet", "starting", false),
    }
    for (component, state) in &snapshot.components {
        let words = match (&state.container, state.stage) {
            (Some(c), Stage::Exited) => {
                format!("ended with code {} (start {})", c.exit_code.unwrap_or(-1), c.attempt + 1)
            }
            (_, stage) => stage.words().to_owned(),
        };
        view.show(component.name(), &words, state.stage == Stage::Healthy);
    }
}

/// Each component's last state, error and words.
fn report(snapshot: &Snapshot, cri_socket: &str) -> String {
    let mut lines = vec![];
    if let Some(why) = &snapshot.kubelet {
        lines.push(format!("kubelet: {why}; `journalctl -xeu kubelet` says more"));
    }
    if let Some(why) = &snapshot.runtime {
        lines.push(format!("container runtime: {why}"));
    }
    for (component, state) in snapshot.components.iter().filter(|(_, s)| s.stage != Stage::Healthy) {
        lines.push(format!("{}: {}; {}", component.name(), state.stage.words(), state.health));
        let Some(container) = &state.container else { continue };
        if let Some(code) = container.exit_code.filter(|_| state.stage == Stage::Exited) {
            lines.push(format!(
                "  exit code {code}, started {} times {}",
                container.attempt + 1,
                container.reason
            ));
        }
        for line in
            container.log.as_deref().and_then(|path| log::tail(path, LAST_LINES).ok()).unwrap_or_default()
        {
            lines.push(format!("  | {}", line.text));
        }
    }
    lines.push(format!("look: `crictl --runtime-endpoint {cri_socket} ps -a` and `… logs CONTAINERID`; when it is mended, run `kubestrap init` again"));
    lines.join("\n")
}

/// Reads from what lies on the machine where the components tell their health.
fn watched(context: &InitContext) -> Result<Watched, PhaseError> {
    let mut targets = vec![];
    for component in Component::ALL {
        let path = context.settings.paths.manifests.join(component.file());
        let Some(text) = context.host.read(&path)? else {
            if component == Component::Etcd {
                continue;
            }
            return Err(PhaseError::new(
                Failure::Failed,
                format!(
                    "{} is missing: make it with `kubestrap init phase control-plane all`",
                    path.display()
                ),
            ));
        };
        let documents = yaml::parse_values(&String::from_utf8_lossy(&text))
            .map_err(|e| PhaseError::new(Failure::Failed, format!("{}:{e}", path.display())))?;
        targets.extend(documents.first().map(|pod| target(component, pod)));
    }
    let configuration = kubelet::cluster_configuration(&context.settings);
    let port = configuration.healthz_port.unwrap_or_default();
    let host =
        configuration.healthz_bind_address.parse().map_or("127.0.0.1".into(), |ip: std::net::IpAddr| {
            if ip.is_unspecified() { "127.0.0.1".to_owned() } else { ip.to_string() }
        });
    let port_number = u16::try_from(port).unwrap_or_default();
    Ok(Watched {
        targets,
        kubelet: (port != 0)
            .then(|| format!("http://{}", crate::config::settings::join_host_port(&host, port_number))),
        cri_socket: context.settings.init.node_registration.cri_socket.clone(),
        node_name: context.settings.node_name().to_owned(),
        kubeconfig: identity(context)?,
    })
}

/// Who asks the API server: an administrator that needs no RBAC rule, which are not there yet when it starts.
fn identity(context: &InitContext) -> Result<Option<Kubeconfig>, PhaseError> {
    for name in ["super-admin.conf", "admin.conf"] {
        if let Some(text) = context.host.read(&context.settings.paths.kubeconfig(name))? {
            return Ok(Kubeconfig::parse(&String::from_utf8_lossy(&text)).ok());
        }
    }
    Ok(None)
}
