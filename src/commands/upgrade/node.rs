//! `upgrade node` and its phases: a further control plane, or a worker, follows the cluster's stored configuration.

use serde_json::Value;

use super::context::{AREA, Context};
use super::run::Step;
use super::{Request, recovery};
use crate::commands::init;
use crate::commands::this_node::{ThisNode, Wishes, take_up};
use crate::config::v1beta4::UpgradeConfiguration;
use crate::config::version::prefixed;
use crate::config::{KubernetesVersion, Timeouts};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Host, RealHost};
use crate::manifest::Component;
use crate::output::Printer;
use crate::workflows::upgrade::journal::Journal;
use crate::workflows::upgrade::{self, Options, Upgrade};

/// Runs the whole workflow, or `only` one phase and those in it.
///
/// # Errors
/// When the cluster can't be read, or a phase fails.
pub(crate) fn run(request: &Request, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = upgrade::node();
    let config = request.configuration(out)?;
    let skip = if request.skip_phases.is_empty() { &config.node.skip_phases } else { &request.skip_phases };
    let selection = workflow.select(only, skip)?;
    let kubeconfig = request.node_kubeconfig()?;
    let dry_run = request.dry_run.or(config.node.dry_run) == Some(true);
    let (paths, host) = (ThisNode::paths(), RealHost::new());
    let control_plane = paths.manifests.join(Component::ApiServer.file()).exists();
    let journal = if dry_run { None } else { Journal::read(&paths, &host)? };
    let _lock = match dry_run {
        true => None,
        false => Some(init::lock(&paths, &workflow.locks(&selection), "upgrade node")?),
    };
    if journal.is_none() && !dry_run {
        take_up(&host, AREA, out)?;
    }
    let starting = journal.as_ref().map(|journal| {
        recovery::prepare(journal, None, out);
        Timeouts::of(config.timeouts.as_ref()).kubernetes_api
    });
    let context = match Context::read(kubeconfig, starting, control_plane, out) {
        Ok(context) => context,
        Err(error) => match &journal {
            Some(journal) => return Err(recovery::after(journal, error, &wishes(request, &config), out)),
            None => return Err(error),
        },
    };
    // The first control plane has stored the version that the others follow.
    let stored = prefixed(&context.stored.loaded.cluster.kubernetes_version);
    let target: KubernetesVersion =
        stored.map(|(_, version)| version).map_err(|e| Error::new(ExitStatus::Failed, e.to_string()))?;
    let step = Step {
        workflow: &workflow,
        selection: &selection,
        target,
        context,
        wishes: wishes(request, &config),
        options: Options {
            etcd_upgrade: request.etcd_upgrade.or(config.node.etcd_upgrade) != Some(false),
            certificate_renewal: request.certificate_renewal.or(config.node.certificate_renewal)
                != Some(false),
            force: false,
            allow_experimental: true,
            allow_candidates: true,
            ask: false,
        },
        journal,
    };
    if dry_run {
        step.dry_run(request.dry_run_dir.clone(), out)?;
        out.result(serde_json::json!({ "ok": true, "dryRun": true }), "");
        return Ok(ExitStatus::Done);
    }
    let done = step.run(out)?;
    let text = match selection.only {
        Some(_) => String::new(),
        None => host.advice(&closing(&done.upgrade, done.changed)),
    };
    out.count_warnings(AREA);
    out.result(Value::Object(done.data), &text);
    Ok(ExitStatus::Done)
}

fn wishes(request: &Request, config: &UpgradeConfiguration) -> Wishes {
    let node = &config.node;
    Wishes {
        patches: request.patches.clone().or(node.patches.as_ref().map(|p| p.directory.clone())),
        ignored: request.ignored(&node.ignore_preflight_errors),
        image_pull_policy: node.image_pull_policy.clone(),
        image_pull_serial: node.image_pull_serial.filter(|_| request.config.is_some()),
        timeouts: config.timeouts.clone(),
    }
}

/// What to say at the end.
fn closing(upgrade: &Upgrade, changed: bool) -> String {
    let version = upgrade.target();
    if !changed {
        return format!(
            "[{AREA}] Nothing to change on this node: it is at {version}, which is the version that the cluster stores.\n[{AREA}] For a newer version, run `kubestrap upgrade apply VERSION` on one control-plane node first.\n"
        );
    }
    format!(
        "[{AREA}] The configuration for this node was successfully updated for {version}.\n[{AREA}] Now install the package of kubelet {version} if its version is older, and run `systemctl daemon-reload && systemctl restart kubelet`.\n"
    )
}
