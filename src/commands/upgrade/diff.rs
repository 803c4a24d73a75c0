//! `upgrade diff`: what an upgrade would change on this node and in the cluster.

use std::path::Path;

use super::Request;
use super::context::{Context, PATIENCE, version};
use super::run::Step;
use crate::commands::this_node::{ThisNode, Wishes};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::manifest::Component;
use crate::output::Printer;
use crate::workflow::Selection;
use crate::workflows::upgrade::{self, Options};

/// Lines of context where nobody says how many, as kubeadm's help has it.
const CONTEXT: usize = 3;
/// Phases that change nothing that could be compared.
const LEFT_OUT: [&str; 2] = ["preflight", "post-upgrade"];

/// Compares and prints.
///
/// # Errors
/// When the cluster or a manifest can't be read.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let config = request.configuration(out)?;
    let manifests = ThisNode::paths().manifests;
    for component in [Component::ApiServer, Component::ControllerManager, Component::Scheduler] {
        exists(&manifests.join(component.file()))?;
    }
    let given =
        request.version.clone().or(Some(config.diff.kubernetes_version.clone()).filter(|v| !v.is_empty()));
    let given = given.map(|text| version(&text)).transpose()?;
    let kubeconfig = request.admin_kubeconfig()?;
    let context = Context::read(kubeconfig.clone(), PATIENCE, true, out)?;
    let target = given.unwrap_or_else(|| context.current.clone());
    let configured = usize::try_from(config.diff.context_lines).ok().filter(|lines| *lines > 0);
    let lines = request.context_lines.or(configured).unwrap_or(CONTEXT);

    let workflow = upgrade::apply();
    let selection = Selection { only: None, skip: LEFT_OUT.map(str::to_owned).to_vec() };
    let step = Step {
        workflow: &workflow,
        selection: &selection,
        target,
        context,
        wishes: Wishes { timeouts: config.timeouts.clone(), ..Wishes::default() },
        options: Options {
            etcd_upgrade: true,
            // A certificate that would be renewed differs in nothing that can be shown.
            certificate_renewal: false,
            force: true,
            allow_experimental: true,
            allow_candidates: true,
            ask: false,
        },
        kubeconfig,
        journal: None,
    };
    let mut upgrade = step.dry_state(None, &out.quiet())?.upgrade;
    workflow.run(&selection, &mut upgrade)?;
    let changes = &upgrade.run.changes;
    for change in &changes.files {
        out.data(&change.unified_as_data(lines));
    }
    for change in &changes.objects {
        let (before, after) = change.texts()?;
        let before = change.before.is_some().then_some(before);
        out.data(&crate::diff::unified_with(&change.object.to_string(), before.as_deref(), &after, lines));
    }
    Ok(ExitStatus::Done)
}

fn exists(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    let message = format!(
        "the manifest file {} does not exist: this is not a control-plane node, or it was moved away",
        path.display()
    );
    Err(Error::new(ExitStatus::Failed, message))
}
