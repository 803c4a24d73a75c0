//! `kubeconfig`: kubelet of a control-plane node asks the API server of its own node.

use super::super::Upgrade;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Written};
use crate::kubeconfig::Kubeconfig;
use crate::workflow::{Outcome, PhaseResult, Verb};

/// Points kubelet.conf to this node's API server where it points to `controlPlaneEndpoint`, as kubeadm did before
/// 1.33: a kubelet must not be newer than the API server that it asks, and behind a load balancer that may be any.
pub(in super::super) fn update(upgrade: &mut Upgrade) -> PhaseResult {
    if !upgrade.control_plane {
        return Ok(Outcome::Skipped("Skipping phase. Not a control plane node.".into()));
    }
    let run = &mut upgrade.run;
    let path = run.settings.node.paths.kubeconfig("kubelet.conf");
    let fail = |what: String| Error::new(ExitStatus::Failed, format!("{}: {what}", path.display()));
    let Some(text) = run.host.read(&path)? else { return Err(fail("does not exist".into())) };
    let mut kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text)).map_err(fail)?;
    let url = |endpoint: String| format!("https://{endpoint}");
    let (shared, local) = (url(run.settings.control_plane_endpoint()), url(run.settings.local_endpoint()));
    let Some(cluster) = kubeconfig.current_cluster_mut() else {
        return Err(fail("has no current context with a cluster".into()));
    };
    if shared == local || cluster.server != shared {
        return Ok(Outcome::Done);
    }
    cluster.server.clone_from(&local);
    run.act(Verb::Update, format!("\"kubelet.conf\" to use the API server of this node, {local}"));
    if run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)? != Written::Unchanged {
        run.restart_kubelet_in_background();
    }
    Ok(Outcome::Done)
}
