//! `wait-control-plane`: until kubelet and every component are healthy, or it is proven that they can't become so.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::attention::{Attention, rest, unhealthy};
use super::watched::watched;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::health::{ContainerView, Snapshot, Stage};
use crate::host::cri::log;
use crate::manifest::Component;
use crate::output::LiveView;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// For how long a component counts as healthy whose answers come too late.
const MEMORY: Duration = Duration::from_secs(30);
/// How many of a failed container's last lines to show.
const LAST_LINES: usize = 10;

/// Waits until kubelet and the control plane are healthy.
///
/// # Errors
/// When they can't become healthy, or have not in time; with the cause, as far as it is known.
pub(crate) fn wait(run: &mut Run) -> PhaseResult {
    let watched = watched(&run.settings, &*run.host)?;
    run.act(
        Verb::Wait,
        format!(
            "for the kubelet to boot up the control plane as static Pods from directory \"{}\"",
            run.settings.node.paths.manifests.display()
        ),
    );
    run.watch.begin(&watched).map_err(|e| Error::new(ExitStatus::Failed, e))?;
    run.cluster.begin();
    let timeouts = run.settings.node.timeouts;
    let start = Instant::now();
    let mut kubelet_since = start;
    let mut view = run.live_view();
    let mut attention = Attention::new(run);
    let mut pointed = false;
    let mut remembered = Remembered::default();
    loop {
        let asked = Instant::now();
        let mut snapshot = run.watch.snapshot();
        let took = asked.elapsed();
        distrust_replaced(run, &mut snapshot);
        if let Some(since) = run.kubelet_started {
            forget_ended(&mut snapshot, since);
        }
        remembered.complete(&mut snapshot, Instant::now());
        show(&mut view, &snapshot);
        if snapshot.healthy() {
            view.close();
            heed_probes(run)?;
            try_endpoint(run);
            return Ok(Outcome::Done);
        }
        if let Some(causes) = attention.hopeless(run, &snapshot) {
            view.close();
            let what = format!(
                "the control plane can't become healthy (proven after {:.1} s)",
                start.elapsed().as_secs_f64()
            );
            return Err(unhealthy(run, &what, causes));
        }
        if snapshot.kubelet.is_none() {
            kubelet_since = Instant::now();
            if !std::mem::replace(&mut pointed, true) {
                run.point_at_new_manifests();
            }
        }
        let late = if snapshot.kubelet.is_some() && kubelet_since.elapsed() > timeouts.kubelet {
            Some(format!("The kubelet is not running or not healthy after {} s", timeouts.kubelet.as_secs()))
        } else if start.elapsed() > timeouts.control_plane {
            Some(format!("the control plane is not healthy after {} s", timeouts.control_plane.as_secs()))
        } else {
            None
        };
        if let Some(late) = late {
            view.close();
            for line in report(&snapshot, &watched.cri_socket) {
                let line = run.host.advice(&line);
                run.log(line);
            }
            return Err(unhealthy(run, &late, attention.causes(run, &snapshot)));
        }
        rest(took);
    }
}

/// Refuses components that kubelet will kill: that they are healthy now helps nobody in a minute.
fn heed_probes(run: &mut Run) -> Result<(), Error> {
    let doomed = run.watch.doomed();
    if doomed.is_empty() {
        return Ok(());
    }
    let finding = |(component, why): (Component, String)| {
        let name = component.name();
        let what = format!(
            "{name} is healthy, but its startup or liveness probe fails: kubelet will kill it again and again"
        );
        Finding { check: "ProbeFails".into(), ..Finding::error(what) }
            .evidence(why)
            .cause("a patch changed the probe, or a flag changed what it asks for (its port, or who may ask: kubelet asks without credentials)")
            .fix(format!("correct the patch of {name}, or its flag, then run the same command again"))
    };
    let causes = doomed.into_iter().map(finding).collect();
    Err(unhealthy(run, "the control plane will not stay healthy", causes))
}

/// Where each component was healthy last. On a busy machine an answer now and then comes too late, and all of them
/// never come in one look: what was healthy stays so, as long as the same container runs.
#[derive(Default)]
struct Remembered(BTreeMap<Component, (String, Instant)>);

impl Remembered {
    /// Has components count as healthy that were, and are only late to say so.
    fn complete(&mut self, snapshot: &mut Snapshot, now: Instant) {
        for (component, state) in &mut snapshot.components {
            let Some(container) = state.container.as_ref().filter(|c| c.exit_code.is_none()) else {
                continue;
            };
            match (state.stage, self.0.get(component)) {
                (Stage::Healthy, _) => {
                    self.0.insert(*component, (container.id.clone(), now));
                }
                (Stage::Running, Some((id, when)))
                    if state.late && *id == container.id && now.duration_since(*when) < MEMORY =>
                {
                    state.stage = Stage::Healthy;
                }
                _ => {}
            }
        }
    }
}

/// Discounts components whose manifest this run replaced, until kubelet has seen the new one: that the old one is
/// healthy says nothing.
fn distrust_replaced(run: &Run, snapshot: &mut Snapshot) {
    let begin = run.started.unix_timestamp_nanos();
    for (component, state) in &mut snapshot.components {
        let path = run.settings.node.paths.manifests.join(component.file());
        let replaced = run.changes.files.iter().any(|f| f.path == path && f.replaces());
        let old = state.container.as_ref().is_some_and(|c| i128::from(c.created_at_ns) < begin);
        if replaced && old {
            state.stage = Stage::Manifest;
            "still running the previous manifest".clone_into(&mut state.health);
        }
    }
}

/// Leaves out containers that were created before this run started kubelet and have ended: they were stopped, by this
/// run or with the kubelet before, and their last words tell nothing of what comes up now.
fn forget_ended(snapshot: &mut Snapshot, since: SystemTime) {
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let earlier = |c: &ContainerView| u128::try_from(c.created_at_ns).is_ok_and(|created| created < since);
    for state in snapshot.components.values_mut() {
        if state.ended.as_ref().is_some_and(earlier) {
            state.ended = None;
        }
        if state.stage == Stage::Exited && state.container.as_ref().is_some_and(earlier) {
            state.stage = Stage::Manifest;
            state.container = None;
        }
    }
}

/// Warns if `controlPlaneEndpoint` is unreachable; only other nodes need it.
fn try_endpoint(run: &mut Run) {
    let endpoint = run.settings.control_plane_endpoint();
    if endpoint == run.settings.local_endpoint() {
        return;
    }
    if let Some(why) = run.watch.unreachable(&format!("https://{endpoint}")) {
        run.warn(format!(
            "the control plane is healthy, but controlPlaneEndpoint {endpoint} is unreachable, which admin.conf and joining nodes use ({why})\n    fix: point the load balancer (or the DNS name, or the virtual IP address) to {}",
            run.settings.local_endpoint()
        ));
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
                format!("exited with code {} (start {})", c.exit_code.unwrap_or(-1), c.attempt + 1)
            }
            (_, stage) => stage.words().to_owned(),
        };
        view.show(component.name(), &words, state.stage == Stage::Healthy);
    }
}

/// Each component's last state, error and log lines.
fn report(snapshot: &Snapshot, cri_socket: &str) -> Vec<String> {
    let mut lines = vec![];
    if let Some(why) = &snapshot.kubelet {
        lines.push(format!("kubelet: {why}; see `journalctl -xeu kubelet`"));
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
    lines
        .push(format!("see `crictl --runtime-endpoint {cri_socket} ps -a` and `crictl … logs CONTAINER_ID`"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::ComponentState;

    #[test]
    fn late_answer_takes_no_health_back_from_a_container_that_still_runs() {
        let mut remembered = Remembered::default();
        let start = Instant::now();
        let mut look = |id: &str, stage, late, seconds| {
            let container = Some(ContainerView { id: id.into(), ..ContainerView::default() });
            let state = ComponentState { stage, late, container, ..ComponentState::default() };
            let mut snapshot =
                Snapshot { components: [(Component::Etcd, state)].into(), ..Snapshot::default() };
            remembered.complete(&mut snapshot, start + Duration::from_secs(seconds));
            snapshot.healthy()
        };
        assert!(!look("a", Stage::Running, true, 0), "it never was healthy");
        assert!(look("a", Stage::Healthy, false, 1));
        assert!(look("a", Stage::Running, true, 2));
        assert!(!look("a", Stage::Running, false, 3), "it answered, and not as a healthy one");
        assert!(!look("b", Stage::Running, true, 4), "another container");
        assert!(!look("a", Stage::Running, true, 60), "too long ago");
    }

    #[test]
    fn container_that_was_stopped_before_kubelet_started_tells_nothing() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_nanos(100);
        let ended = |created_at_ns| {
            let container =
                Some(ContainerView { created_at_ns, exit_code: Some(0), ..ContainerView::default() });
            let state = ComponentState {
                stage: Stage::Exited,
                ended: container.clone(),
                container,
                ..ComponentState::default()
            };
            let mut snapshot = Snapshot::default();
            snapshot.components.insert(Component::Etcd, state);
            forget_ended(&mut snapshot, since);
            snapshot.components.remove(&Component::Etcd).unwrap()
        };
        let old = ended(99);
        assert_eq!((old.stage, old.ended, old.container), (Stage::Manifest, None, None));
        let new = ended(100);
        assert!(new.stage == Stage::Exited && new.ended.is_some(), "one of this kubelet's own counts");
    }
}
