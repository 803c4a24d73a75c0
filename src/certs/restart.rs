//! Restarting components one at a time, so that they read their certificates again.

use std::time::{Duration, Instant};

use crate::health::{ComponentState, Snapshot, Stage, Watch};
use crate::host::cri::log;
use crate::manifest::Component;

/// How many of a container's last lines are shown.
const LAST_LINES: usize = 5;
/// How often to look.
const PERIOD: Duration = Duration::from_millis(200);

/// Has a component's container replaced by a new one.
pub(crate) trait Restart {
    /// Stops the container with this id, which runs the component; kubelet starts the next.
    ///
    /// # Errors
    /// In words, when that fails.
    fn restart(&mut self, component: Component, container: &str) -> Result<(), String>;
}

/// Why components were not all restarted. Those before the one named were.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RollError {
    /// There is no container to stop.
    #[error("{} has no running container that could be restarted: {reason}", .component.name())]
    NoContainer {
        /// Which component.
        component: Component,
        /// What is known.
        reason: String,
    },
    /// The runtime did not stop it.
    #[error("{} can't be stopped: {reason}", .component.name())]
    Stop {
        /// Which component.
        component: Component,
        /// What the runtime said.
        reason: String,
    },
    /// It did not come back in time.
    #[error(
        "{} was stopped and is not healthy again after {} s: {last}{}", .component.name(), .after.as_secs(), said.iter().map(|line| format!("\n  | {line}")).collect::<String>()
    )]
    Late {
        /// Which component.
        component: Component,
        /// How long it was waited for.
        after: Duration,
        /// How things stood then.
        last: String,
        /// The last lines in the log of its container.
        said: Vec<String>,
    },
}

/// Stops the components' containers one after the other, each after the one before is healthy again in a new
/// container, and so is everything that was healthy before. `tell` hears of each that is done, and how long it took.
///
/// # Errors
/// At the first that can't be stopped or does not come back within `limit`.
pub(crate) fn roll(
    components: &[Component],
    watch: &mut dyn Watch,
    restart: &mut dyn Restart,
    limit: Duration,
    tell: &mut dyn FnMut(Component, Duration),
) -> Result<(), RollError> {
    for &component in components {
        let before = watch.snapshot();
        let old = running(&before, component)?;
        restart.restart(component, &old).map_err(|reason| RollError::Stop { component, reason })?;
        let start = Instant::now();
        loop {
            let now = watch.snapshot();
            match waiting_for(&now, &before, component, &old) {
                None => break,
                Some(last) if start.elapsed() > limit => {
                    return Err(RollError::Late {
                        component,
                        after: limit,
                        last,
                        said: said(&now, component),
                    });
                }
                Some(_) => std::thread::sleep(PERIOD),
            }
        }
        tell(component, start.elapsed());
    }
    Ok(())
}

/// The container that runs a component.
fn running(snapshot: &Snapshot, component: Component) -> Result<String, RollError> {
    let state = snapshot.components.get(&component);
    let container = state.filter(|s| s.stage != Stage::Exited).and_then(|s| s.container.as_ref());
    container.map(|c| c.id.clone()).ok_or_else(|| RollError::NoContainer {
        component,
        reason: snapshot.runtime.clone().unwrap_or_else(|| match state {
            None => "it has no manifest here".into(),
            Some(s) if s.container.is_some() => s.stage.words().to_owned(),
            Some(_) => "the runtime knows no container of its static Pod".into(),
        }),
    })
}

/// The last lines that a component's container said, of the one that ended last if one did.
fn said(snapshot: &Snapshot, component: Component) -> Vec<String> {
    let state = snapshot.components.get(&component);
    let container = state.and_then(|s| s.ended.as_ref().or(s.container.as_ref()));
    let lines = container.and_then(|c| log::tail(c.log.as_deref()?, LAST_LINES).ok());
    lines.unwrap_or_default().into_iter().map(|line| line.text).collect()
}

/// What is still to come, in words; none when all is as it should be.
fn waiting_for(now: &Snapshot, before: &Snapshot, component: Component, old: &str) -> Option<String> {
    let state = now.components.get(&component);
    let new = state.and_then(|s| s.container.as_ref()).is_some_and(|c| c.id != old);
    if !new {
        return Some(now.runtime.clone().unwrap_or_else(|| "kubelet has not started a new container".into()));
    }
    let healthy = |s: &ComponentState| s.stage == Stage::Healthy;
    let unwell = now.components.iter().find(|(other, state)| {
        let was = before.components.get(other).is_some_and(healthy);
        (**other == component || was) && !healthy(state)
    });
    unwell.map(|(other, s)| format!("{}: {}; {}", other.name(), s.stage.words(), s.health))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use super::*;
    use crate::health::{ContainerView, Watched};

    /// A machine on which a stopped container comes back some looks later.
    #[derive(Default)]
    struct Machine {
        containers: BTreeMap<Component, u32>,
        /// How many looks until each is well again.
        ailing: BTreeMap<Component, u32>,
        stopped: Vec<String>,
        never: bool,
    }

    #[derive(Clone)]
    struct Shared(Rc<RefCell<Machine>>);

    impl Watch for Shared {
        fn begin(&mut self, _: &Watched) -> Result<(), String> {
            Ok(())
        }

        fn snapshot(&mut self) -> Snapshot {
            let mut machine = self.0.borrow_mut();
            let mut snapshot = Snapshot::default();
            for (component, number) in machine.containers.clone() {
                let looks = machine.ailing.entry(component).or_default();
                let stage = if *looks == 0 { Stage::Healthy } else { Stage::Running };
                *looks = looks.saturating_sub(1);
                let id = format!("{}-{number}", component.name());
                let container = Some(ContainerView { id, ..ContainerView::default() });
                snapshot.components.insert(
                    component,
                    ComponentState { stage, container, health: "no".into(), ..ComponentState::default() },
                );
            }
            snapshot
        }
    }

    impl Restart for Shared {
        fn restart(&mut self, _: Component, container: &str) -> Result<(), String> {
            let mut machine = self.0.borrow_mut();
            assert!(machine.ailing.values().all(|looks| *looks == 0), "one at a time");
            machine.stopped.push(container.to_owned());
            let component = Component::ALL.into_iter().find(|c| container.starts_with(c.name())).unwrap();
            if !machine.never {
                *machine.containers.get_mut(&component).unwrap() += 1;
            }
            // The API server suffers from etcd's restart.
            machine.ailing.insert(component, 2);
            machine.ailing.insert(Component::ApiServer, 3);
            Ok(())
        }
    }

    fn machine(never: bool) -> Shared {
        let containers = Component::ALL.into_iter().map(|c| (c, 0)).collect();
        Shared(Rc::new(RefCell::new(Machine { containers, never, ..Machine::default() })))
    }

    #[test]
    fn each_waits_until_all_are_well_again() {
        let machine = machine(false);
        let mut done = vec![];
        let limit = Duration::from_secs(10);
        let tell = &mut |component, _| done.push(component);
        let wanted = [Component::Etcd, Component::Scheduler];
        roll(&wanted, &mut machine.clone(), &mut machine.clone(), limit, tell).unwrap();
        assert_eq!(done, wanted);
        assert_eq!(machine.0.borrow().stopped, ["etcd-0", "kube-scheduler-0"]);
    }

    #[test]
    fn one_that_does_not_come_back_ends_it() {
        let machine = machine(true);
        let limit = Duration::from_millis(500);
        let result = roll(&Component::ALL, &mut machine.clone(), &mut machine.clone(), limit, &mut |_, _| {});
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with("etcd was stopped") && error.contains("new container"), "{error}");
        assert_eq!(machine.0.borrow().stopped.len(), 1);
    }

    #[test]
    fn what_has_no_container_is_told() {
        let mut empty = Shared(Rc::default());
        let limit = Duration::ZERO;
        let result = roll(&[Component::Etcd], &mut empty.clone(), &mut empty, limit, &mut |_, _| {});
        assert!(result.unwrap_err().to_string().contains("no manifest"));
    }
}
