//! `bootstrap-token`: tokens with which nodes join, what they may do, and `cluster-info`, by which they find us.

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::cluster::bootstrap_token;
use crate::kubeconfig::Kubeconfig;

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("bootstrap-token", "Make the tokens with which nodes join, and let them", run)
        .alias(&["bootstraptoken"])
}

fn run(context: &mut InitContext) -> PhaseResult {
    let path = context.settings.paths.kubeconfig("admin.conf");
    let Some(text) = context.host.read(&path)? else {
        return Err(PhaseError::new(
            Failure::Failed,
            format!("{} is missing: make it with `kubestrap init phase kubeconfig admin`", path.display()),
        ));
    };
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text))
        .map_err(|e| PhaseError::new(Failure::Failed, format!("{}: {e}", path.display())))?;
    let Some(cluster) = kubeconfig.current_cluster() else {
        return Err(PhaseError::new(
            Failure::Failed,
            format!("{} has no current context with a cluster", path.display()),
        ));
    };
    context.out.log(
        "bootstrap-token",
        "Storing join tokens, what they may do, and ConfigMap kube-public/cluster-info",
    );
    let objects = bootstrap_token::objects(&context.settings, cluster, context.started)?;
    context.cluster.apply(objects)?;
    Ok(Outcome::Done)
}
