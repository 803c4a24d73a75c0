//! One component at a time, each proven healthy before the next.

use super::Rotation;
use crate::certs::rotation::Stage;
use crate::manifest::Component;
use crate::phases::hold::pods;
use crate::phases::wait_control_plane;
use crate::workflow::{Outcome, PhaseResult, Verb};

/// Restarts a component, and kubelet with it, and waits until the control plane is healthy.
pub(super) fn restart(rotation: &mut Rotation, stage: Stage, component: Component) -> PhaseResult {
    let run = &mut rotation.run;
    let has =
        |component: Component| run.host.exists(&run.settings.node.paths.manifests.join(component.file()));
    if !has(component) {
        return Ok(Outcome::NotApplicable);
    }
    match (component, stage) {
        // At each handshake it reads its certificates again, and it trusts both CAs since the stage before.
        (Component::Etcd, Stage::Switched) => return Ok(Outcome::NotApplicable),
        // It was stopped with its etcd.
        (Component::ApiServer, Stage::Trusted | Stage::Finished) if has(Component::Etcd) => {
            return Ok(Outcome::NotApplicable);
        }
        _ => {}
    }
    run.act(Verb::Restart, component.name());
    run.kubelet_started = Some(pods(run).restart(component)?);
    wait_control_plane::wait(run)
}
