//! Stops this node's control plane and starts it again: for work that nothing may disturb.
//!
//! kubelet is stopped first, so that it starts nothing again; when it is started, it finds Pods that do not run, as after
//! a boot, and starts them at once.

use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::manifest::Component;
use crate::workflow::{Run, Verb};

/// kubelet's service.
const KUBELET: &str = "kubelet";
/// How long etcd may take to end: what kubelet would give it. It writes what it holds before it ends.
const ETCD_GRACE: Duration = Duration::from_secs(30);
/// How long the others may take, which hold nothing that could be lost.
const GRACE: Duration = Duration::from_secs(3);

/// Stops kubelet and every component, etcd last; proves that none is left.
///
/// # Errors
/// When kubelet or a component can't be stopped.
pub(crate) fn stop_control_plane(run: &mut Run) -> Result<(), Error> {
    run.act(Verb::Stop, "the kubelet and the control plane of this node");
    let Some(init) = run.host.init_system() else {
        return Err(Error::new(
            ExitStatus::Failed,
            "this machine has neither systemd nor OpenRC, so kubelet can't be stopped and started",
        ));
    };
    if init.state(KUBELET).exists {
        init.stop(KUBELET)?;
    }
    for component in Component::ALL.into_iter().rev() {
        stop(run, component)?;
    }
    Ok(())
}

fn stop(run: &Run, component: Component) -> Result<(), Error> {
    let grace = if component == Component::Etcd { ETCD_GRACE } else { GRACE };
    let name = format!("{}-{}", component.name(), run.settings.node_name());
    let failed = |error| Error::from_source(ExitStatus::Failed, error);
    let left = run.runtime.stop_pod(&name, grace).map_err(failed);
    match left.map_err(|error| error.at(&format!("the Pod {name} can't be stopped")))?.first() {
        None => Ok(()),
        Some(id) => {
            let message = format!("the Pod {name} can't be stopped: its container {id} still runs");
            Err(Error::new(ExitStatus::Failed, message))
        }
    }
}

/// Starts kubelet, and with it the control plane.
///
/// # Errors
/// When it can't be started.
pub(crate) fn start_kubelet(run: &mut Run) -> Result<(), Error> {
    run.act(Verb::Start, "the kubelet");
    run.kubelet_started = Some(SystemTime::now());
    match run.host.init_system() {
        Some(init) => Ok(init.restart(KUBELET)?),
        None => Ok(()),
    }
}
