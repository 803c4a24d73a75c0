//! Stops this node's control plane as a whole and starts it again: for work that nothing may disturb.

use crate::error::Error;
use crate::manifest::Component;
use crate::node::StaticPods;
use crate::workflow::{Run, Verb};

/// Stops kubelet and every component, etcd last; proves that none is left.
///
/// # Errors
/// When kubelet or a component can't be stopped.
pub(crate) fn stop_control_plane(run: &mut Run) -> Result<(), Error> {
    run.act(Verb::Stop, "the kubelet and the control plane of this node");
    let pods = pods(run);
    pods.hold_kubelet()?;
    Component::ALL.into_iter().rev().try_for_each(|component| pods.stop(component))
}

/// Starts kubelet, and with it the control plane.
///
/// # Errors
/// When it can't be started.
pub(crate) fn start_kubelet(run: &mut Run) -> Result<(), Error> {
    run.act(Verb::Start, "the kubelet");
    run.kubelet_started = Some(pods(run).start_kubelet()?);
    Ok(())
}

/// The static Pods of this node.
pub(crate) fn pods(run: &Run) -> StaticPods<'_> {
    StaticPods { host: &*run.host, runtime: &*run.runtime, node_name: run.settings.node_name() }
}
