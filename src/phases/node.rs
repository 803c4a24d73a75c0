//! Changing this machine's own Node, which kubelet must have registered.

use std::time::{Instant, SystemTime};

use super::attention::{absent_node, unhealthy};
use crate::cluster::ClusterObject;
use crate::error::Error;
use crate::workflow::Run;

/// Applies `objects`, which are patches of the Node. While the Node is missing, kubelet's log is watched for the
/// reason.
///
/// # Errors
/// When kubelet says why it can't register the Node, or has not done so in time.
pub(super) fn apply_to_node(run: &mut Run, objects: Vec<ClusterObject>) -> Result<(), Error> {
    let (start, mut since) = (Instant::now(), SystemTime::now());
    let mut told = false;
    loop {
        let error = match run.cluster.apply(objects.clone()) {
            Ok(changes) => return run.note(changes),
            Err(error) if !error.is_node_absent() => return Err(error.into()),
            Err(error) => error,
        };
        // The API server is healthy by now: what kubelet has logged since then tells why.
        let causes = absent_node(run, since);
        if !causes.is_empty() {
            // kubelet breaks its own connections when it gets its certificate, and tries again: what lasts is said twice.
            if told {
                return Err(unhealthy(run, "the Node of this machine is missing", causes));
            }
            (told, since) = (true, SystemTime::now());
        }
        if start.elapsed() > run.settings.node.timeouts.kubernetes_api {
            return Err(unhealthy(run, &error.to_string(), vec![]));
        }
    }
}
