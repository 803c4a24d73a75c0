//! Restarts a static Pod of this node, so that its component is down no longer than it takes to stop and to start.
//!
//! kubelet by itself is slow at this. For a changed manifest it first deletes the old Pod's mirror in the API, which it
//! waits for even when the API server or its etcd is the Pod in question, and only then starts the new container; a
//! container that ended it starts again after a back-off. So kubelet is stopped, the old container is stopped through
//! the runtime with its grace, and kubelet is started: it finds a Pod that does not run, as after a boot, and starts it
//! at once.
//!
//! A run that is killed in between leaves a mark, by which the next run knows that it may complete the restart.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{ContainerRuntime, FileMode, Host};
use crate::manifest::Component;

/// kubelet's service.
const KUBELET: &str = "kubelet";
/// Stands while kubelet is stopped and any run may start it; names the component that is being stopped. A machine that
/// boots starts kubelet by itself.
const STOPPED: &str = "/run/kubestrap/kubelet-stopped";
/// How long etcd may take to end: what kubelet would give it. It writes what it holds before it ends.
const ETCD_GRACE: Duration = Duration::from_secs(30);
/// How long the others may take. kube-apiserver closes its port at once and then waits for its watches, which end only
/// when it does: everything that waits longer is outage. The other two hold nothing that could be lost.
const GRACE: Duration = Duration::from_secs(3);

/// The static Pods of this node, as kubelet and the container runtime run them.
pub(crate) struct StaticPods<'a> {
    /// The machine, which has kubelet's service.
    pub(crate) host: &'a dyn Host,
    /// The runtime that runs the containers.
    pub(crate) runtime: &'a dyn ContainerRuntime,
    /// The Node's name, after which static Pods are called.
    pub(crate) node_name: &'a str,
}

impl StaticPods<'_> {
    /// The name of a component's static Pod on this node.
    pub(crate) fn name(&self, component: Component) -> String {
        format!("{}-{}", component.name(), self.node_name)
    }

    /// Stops kubelet; nothing starts or restarts static Pods from here on. If this run is killed, the next one starts
    /// kubelet, see [`Self::take_up`].
    ///
    /// # Errors
    /// When there is no init system to stop it, or that fails.
    pub(crate) fn stop_kubelet(&self) -> Result<(), Error> {
        self.mark("");
        self.stop_service()
    }

    fn mark(&self, component: &str) {
        // Where even that can't be written, a run that is not killed needs no mark.
        if let Err(error) = self.host.write(Path::new(STOPPED), component.as_bytes(), FileMode::SECRET) {
            tracing::info!("{error}");
        }
    }

    /// Stops kubelet while data are replaced that it must not start a Pod with: if this run is killed, kubelet stays
    /// stopped until the same command is run again.
    ///
    /// # Errors
    /// As [`Self::stop_kubelet`].
    pub(crate) fn hold_kubelet(&self) -> Result<(), Error> {
        self.host.remove(Path::new(STOPPED))?;
        self.stop_service()
    }

    fn stop_service(&self) -> Result<(), Error> {
        let Some(init) = self.host.init_system() else {
            return Err(Error::new(
                ExitStatus::Failed,
                "this machine has neither systemd nor OpenRC, so kubelet can't be stopped and started",
            ));
        };
        Ok(init.stop(KUBELET)?)
    }

    /// Starts kubelet again; gives when: what was created and logged before does not belong to it.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn start_kubelet(&self) -> Result<SystemTime, Error> {
        start_kubelet(self.host)
    }

    /// Stops a component's containers and proves that none is left: no two of one component ever run. kubelet must be
    /// stopped. With etcd its API server is stopped: without etcd it would hold each request for a minute, and kubelet,
    /// when it starts, makes one before it mounts any volume. One that refuses connections holds nothing up.
    ///
    /// # Errors
    /// When the runtime can't stop them.
    pub(crate) fn stop(&self, component: Component) -> Result<(), Error> {
        if component == Component::Etcd {
            self.stop_one(Component::ApiServer)?;
        }
        self.stop_one(component)
    }

    fn stop_one(&self, component: Component) -> Result<(), Error> {
        let grace = if component == Component::Etcd { ETCD_GRACE } else { GRACE };
        let name = self.name(component);
        if is_left_stopped(self.host) {
            self.mark(component.name());
        }
        let left = self.runtime.stop_pod(&name, grace);
        let left =
            left.map_err(|error| Error::from(error).at(&format!("the Pod {name} can't be stopped")))?;
        match left.first() {
            None => Ok(()),
            Some(id) => {
                let message = format!("the Pod {name} can't be stopped: its container {id} still runs");
                Err(Error::new(ExitStatus::Failed, message))
            }
        }
    }

    /// Completes the restart of a run that was killed. A container that was told to stop goes on waiting by itself for
    /// up to a minute, closed to all, and kubelet waits with it: it gets no more than the grace.
    ///
    /// # Errors
    /// When the component can't be stopped, or kubelet can't be started.
    pub(crate) fn take_up(&self) -> Result<(), Error> {
        let mark = self.host.read(Path::new(STOPPED))?.unwrap_or_default();
        let stopping = Component::ALL.into_iter().find(|component| component.name().as_bytes() == mark);
        match stopping {
            Some(component) => self.restart(component).map(drop),
            None => self.start_kubelet().map(drop),
        }
    }

    /// Restarts a component with the manifest that is in place; does not wait until it is healthy. kubelet runs again
    /// whatever fails.
    ///
    /// # Errors
    /// When kubelet or the component can't be stopped, or kubelet can't be started.
    pub(crate) fn restart(&self, component: Component) -> Result<SystemTime, Error> {
        self.stop_kubelet()?;
        let stopped = self.stop(component);
        let started = self.start_kubelet();
        stopped?;
        started
    }
}

/// Whether a run was killed that had stopped kubelet, which any run may start. To be asked with the lock of this machine:
/// else that run may be at work still.
pub(crate) fn is_left_stopped(host: &dyn Host) -> bool {
    host.exists(Path::new(STOPPED))
}

/// Starts kubelet, or restarts it: a stop that a killed run asked for may not be over yet. Gives when.
///
/// # Errors
/// When that fails.
pub(crate) fn start_kubelet(host: &dyn Host) -> Result<SystemTime, Error> {
    let now = SystemTime::now();
    if let Some(init) = host.init_system() {
        init.restart(KUBELET)?;
    }
    host.remove(Path::new(STOPPED))?;
    Ok(now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::node::fake::FakeNode;

    #[test]
    fn restart_that_is_killed_at_any_moment_is_completed_by_the_next_run() {
        let whole = FakeNode::default();
        whole.pods().restart(Component::Scheduler).unwrap();
        assert!(!is_left_stopped(&whole), "{:?}", whole.events());
        for killed_at in 1..=whole.events().len() {
            let node = FakeNode { killed_at, ..FakeNode::default() };
            let restart = || node.pods().restart(Component::Scheduler).map(drop);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(restart)).unwrap_err();
            assert!(is_left_stopped(&node), "killed after {:?}", node.events());
            let next = FakeNode { killed_at: 0, events: Arc::default(), ..node };
            next.pods().take_up().unwrap();
            assert!(!is_left_stopped(&next), "killed at {killed_at}");
            assert_eq!(next.events().last().unwrap(), "start kubelet");
            // It was told to stop, which nobody is sure of.
            let told = next.events().contains(&"stop kube-scheduler-cp-1 within 3 s".to_owned());
            assert_eq!(told, killed_at > 1, "killed at {killed_at}: {:?}", next.events());
        }
    }

    #[test]
    fn kubelet_that_is_held_is_not_started_by_another_run() {
        let node = FakeNode::default();
        node.pods().stop_kubelet().unwrap();
        node.pods().hold_kubelet().unwrap();
        assert!(!is_left_stopped(&node));
    }

    #[test]
    fn kubelet_is_stopped_before_the_containers_and_started_after_them() {
        let node = FakeNode::default();
        node.pods().restart(Component::Etcd).unwrap();
        let api_server = "stop kube-apiserver-cp-1 within 3 s";
        assert_eq!(
            node.events(),
            ["stop kubelet", api_server, "stop etcd-cp-1 within 30 s", "start kubelet"]
        );
    }

    #[test]
    fn kubelet_runs_again_although_a_container_can_not_be_stopped() {
        let node = FakeNode { left: vec!["abc".into()], ..FakeNode::default() };
        let error = node.pods().restart(Component::Scheduler).unwrap_err();
        assert!(error.message.contains("container abc still runs"), "{error}");
        assert_eq!(node.events().last().unwrap(), "start kubelet");
    }

    #[test]
    fn nothing_is_stopped_where_kubelet_can_not_be() {
        let node = FakeNode { no_init_system: true, ..FakeNode::default() };
        assert!(node.pods().restart(Component::ApiServer).unwrap_err().message.contains("OpenRC"));
        assert_eq!(node.events(), [""; 0]);
    }
}
