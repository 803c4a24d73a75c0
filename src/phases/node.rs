//! Writing on this machine's own Node, which kubelet must have registered.

use std::time::{Instant, SystemTime};

use super::attention::{absent_node, unhealthy};
use super::context::InitContext;
use super::phase::PhaseError;
use crate::cluster::ClusterObject;

/// Brings `objects`, which are patches of the Node, to the cluster. While the Node is missing, kubelet's log is watched
/// for why it can't be registered.
///
/// # Errors
/// When kubelet says why it can't register the Node, or has not done so in time.
pub(super) fn apply_to_node(
    context: &mut InitContext,
    area: &str,
    objects: Vec<ClusterObject>,
) -> Result<(), PhaseError> {
    let (start, since) = (Instant::now(), SystemTime::now());
    loop {
        let error = match context.cluster.apply(objects.clone()) {
            Ok(changes) => return context.note(area, changes),
            Err(error) if !error.is_node_absent() => return Err(error.into()),
            Err(error) => error,
        };
        // The API server is healthy by now: what kubelet complains of since then is why.
        let causes = absent_node(context, since);
        if !causes.is_empty() {
            return Err(unhealthy(context, area, "this machine's Node is missing", causes));
        }
        if start.elapsed() > context.settings.timeouts.kubernetes_api {
            return Err(unhealthy(context, area, &error.to_string(), vec![]));
        }
    }
}
