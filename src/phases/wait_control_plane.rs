//! `wait-control-plane`: until kubelet and every component are healthy, or are seen not to become so.

use std::time::{Duration, Instant};

use super::attention::{Attention, unhealthy};
use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use super::watched::watched;
use crate::health::{Snapshot, Stage};
use crate::host::cri::log;
use crate::output::LiveView;

const AREA: &str = "wait-control-plane";
/// How long between two looks; on a machine that takes its time to answer, as long as that, to leave it some.
const PERIOD: Duration = Duration::from_millis(50);
const LONGEST_PERIOD: Duration = Duration::from_millis(500);
/// How many of a failed container's last lines to show.
const LAST_LINES: usize = 10;

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new(AREA, "Wait until the control plane is healthy", run)
}

fn run(context: &mut InitContext) -> PhaseResult {
    let watched = watched(&context.settings, &*context.host)?;
    context.out.log(
        AREA,
        format!(
            "Waiting for kubelet to start the static Pods in \"{}\"",
            context.settings.paths.manifests.display()
        ),
    );
    context.watch.begin(&watched).map_err(|e| PhaseError::new(Failure::Failed, e))?;
    context.cluster.begin();
    let timeouts = context.settings.timeouts;
    let start = Instant::now();
    let mut kubelet_since = start;
    let mut view = LiveView::new(&context.out, AREA);
    let mut attention = Attention::new(context);
    let mut pointed = false;
    loop {
        let looked = Instant::now();
        let mut snapshot = context.watch.snapshot();
        let took = looked.elapsed();
        doubt_old(context, &mut snapshot);
        show(&mut view, &snapshot);
        if snapshot.healthy() {
            view.close();
            try_endpoint(context);
            return Ok(Outcome::Done);
        }
        if let Some(causes) = attention.hopeless(context, &snapshot) {
            view.close();
            let what = format!(
                "the control plane can't become healthy (seen after {:.1} s)",
                start.elapsed().as_secs_f64()
            );
            return Err(unhealthy(context, AREA, &what, causes));
        }
        if snapshot.kubelet.is_none() {
            kubelet_since = Instant::now();
            if !std::mem::replace(&mut pointed, true) {
                point_at_new_manifests(context);
            }
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
            for line in report(&snapshot, &watched.cri_socket) {
                context.out.log(AREA, line);
            }
            return Err(unhealthy(context, AREA, &late, attention.causes(context, &snapshot)));
        }
        std::thread::sleep(took.clamp(PERIOD, LONGEST_PERIOD));
    }
}

/// Has kubelet, now that it watches, look at what came while it started: it lists its folder a moment before it begins
/// to watch it, and what comes in between is seen at the next listing, 20 seconds later.
fn point_at_new_manifests(context: &InitContext) {
    let manifests = &context.settings.paths.manifests;
    for file in context.changes.files.iter().filter(|file| file.path.starts_with(manifests)) {
        context.host.point_at(&file.path);
    }
}

/// What runs of a manifest that this run replaced is the old one still, until kubelet has seen the new: that it is
/// healthy says nothing.
fn doubt_old(context: &InitContext, snapshot: &mut Snapshot) {
    let begin = context.started.unix_timestamp_nanos();
    for (component, state) in &mut snapshot.components {
        let path = context.settings.paths.manifests.join(component.file());
        let replaced = context.changes.files.iter().any(|f| f.path == path && f.replaces());
        let old = state.container.as_ref().is_some_and(|c| i128::from(c.created_at_ns) < begin);
        if replaced && old {
            state.stage = Stage::Manifest;
            "the one of the old manifest still runs".clone_into(&mut state.health);
        }
    }
}

/// Says so where nothing answers at `controlPlaneEndpoint`: this node needs it not, but all others do.
fn try_endpoint(context: &mut InitContext) {
    let endpoint = context.settings.control_plane_endpoint();
    if endpoint == context.settings.local_endpoint() {
        return;
    }
    if let Some(why) = context.watch.unreachable(&format!("https://{endpoint}")) {
        context.out.warn(
            AREA,
            format!(
                "the control plane is healthy, but nothing answers at controlPlaneEndpoint {endpoint}: admin.conf and nodes that join ask there ({why})\n    fix: let the load balancer (or DNS, or the virtual address) lead from there to {}",
                context.settings.local_endpoint()
            ),
        );
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
fn report(snapshot: &Snapshot, cri_socket: &str) -> Vec<String> {
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
    lines.push(format!("look: `crictl --runtime-endpoint {cri_socket} ps -a` and `… logs CONTAINERID`"));
    lines
}
