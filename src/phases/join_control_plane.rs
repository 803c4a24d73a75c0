//! `control-plane-prepare`: certificates, kubeconfigs and manifests of another control-plane node.

use super::{certs, kubeconfig, static_pods};
use crate::manifest::Component;
use crate::workflow::{Outcome, PhaseResult, Run};

/// The kubeconfigs that a joining control-plane node writes; kubelet gets its own by TLS bootstrap.
const KUBECONFIGS: [&str; 3] = ["admin.conf", "controller-manager.conf", "scheduler.conf"];
/// The components whose manifests do not wait for etcd.
const COMPONENTS: [Component; 3] = [Component::ApiServer, Component::ControllerManager, Component::Scheduler];

/// Ensures the PKI: the CAs and the service accounts' keys are shared, the rest is generated.
///
/// # Errors
/// When a file is wrong or can't be written.
pub(crate) fn certs(run: &mut Run) -> PhaseResult {
    run.set_area("certs");
    run.log(format!("Using certificateDir folder \"{}\"", run.settings.node.paths.certificates.display()));
    certs::ensure_all(run)
}

/// Ensures the kubeconfigs.
///
/// # Errors
/// When a file is wrong or can't be written.
pub(crate) fn kubeconfigs(run: &mut Run) -> PhaseResult {
    run.set_area("kubeconfig");
    for file in KUBECONFIGS {
        kubeconfig::ensure_file(run, file)?;
    }
    Ok(Outcome::Done)
}

/// Writes the static Pod manifests of the API server, the controller manager and the scheduler.
///
/// # Errors
/// When one can't be written, or a patch can't be applied.
pub(crate) fn manifests(run: &mut Run) -> PhaseResult {
    run.set_area("control-plane");
    for component in COMPONENTS {
        static_pods::write(run, component)?;
    }
    Ok(Outcome::Done)
}
