//! `preflight`: whether the upgrade can succeed, before anything is changed; then the images.

use std::io::IsTerminal;

use super::super::Upgrade;
use super::super::policy::Step;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::output::Answer;
use crate::phases::preflight::{check, pull_and_ask, refuse};
use crate::preflight::{Subject, ignore};
use crate::workflow::{Outcome, PhaseResult, Verb};

/// Before `upgrade apply`.
pub(in super::super) fn apply(upgrade: &mut Upgrade) -> PhaseResult {
    upgrade.run.log("Running preflight checks");
    privileged(upgrade)?;
    // Nobody who answers is told at once, not after the checks.
    let answered =
        if upgrade.options.ask && !std::io::stdin().is_terminal() { Some(confirmed(upgrade)?) } else { None };
    check_version(upgrade)?;
    // What was seen ahead.
    told(upgrade, upgrade.outlook.findings.clone())?;
    let subject = Subject::upgrade(&upgrade.run.settings);
    check(&mut upgrade.run, &subject)?;
    let mut probe = std::mem::take(&mut upgrade.probe);
    let found = probe.as_mut().map_or_else(Vec::new, |probe| probe.probe(upgrade));
    told(upgrade, found)?;
    let question = format!("the cluster version to {}", upgrade.target());
    upgrade.run.log(format!("Upgrading from {} to {}", upgrade.current, upgrade.target()));
    if upgrade.options.ask && answered.is_none() {
        upgrade.run.log(format!("Are you sure you want to upgrade {question}? [y/N]:"));
        confirmed(upgrade)?;
    }
    pull(upgrade)
}

/// Before `upgrade node`.
pub(in super::super) fn node(upgrade: &mut Upgrade) -> PhaseResult {
    upgrade.run.log("Running preflight checks");
    privileged(upgrade)?;
    let mut seen_ahead = upgrade.outlook.findings.clone();
    // As with kubeadm: nodes are upgraded one by one, and one that is down does not stop the others.
    ignore(&mut seen_ahead, &["ControlPlaneNodesReady".to_owned()]);
    told(upgrade, seen_ahead)?;
    let subject = Subject::upgrade(&upgrade.run.settings);
    check(&mut upgrade.run, &subject)?;
    if upgrade.control_plane {
        return pull(upgrade);
    }
    upgrade.run.log("Skipping prepull. Not a control plane node.");
    Ok(Outcome::Done)
}

fn privileged(upgrade: &Upgrade) -> Result<(), Error> {
    if upgrade.run.host.is_privileged() {
        return Ok(());
    }
    let message = "[ERROR IsPrivilegedUser]: user is not running as root\n  fix: run it with `sudo`";
    Err(Error::new(ExitStatus::Preflight, message))
}

/// Reads the answer from standard input.
fn confirmed(upgrade: &Upgrade) -> Result<(), Error> {
    let why = match Answer::read() {
        Answer::Yes => return Ok(()),
        Answer::No => "the answer was not yes",
        Answer::Nothing => "nobody answered whether to proceed",
    };
    let message = format!(
        "aborted the upgrade to {}: {why} (nothing was changed)\n  fix: answer y, or pass `--yes`",
        upgrade.target()
    );
    Err(Error::new(ExitStatus::Failed, message))
}

fn check_version(upgrade: &Upgrade) -> Result<(), Error> {
    let kubelets: Vec<_> = upgrade.survey.kubelets().map(|(node, v)| (node.to_owned(), v)).collect();
    let step = Step {
        current: &upgrade.current,
        target: upgrade.target(),
        allow_experimental: upgrade.options.allow_experimental,
        allow_candidates: upgrade.options.allow_candidates,
        api_servers: &upgrade.survey.api_servers(),
        kubelets: &kubelets,
    };
    step.check(upgrade.options.force)
}

/// Tells findings; errors end the run.
fn told(upgrade: &Upgrade, mut findings: Vec<Finding>) -> Result<(), Error> {
    let ignored = &upgrade.run.settings.node.registration.ignore_preflight_errors;
    ignore(&mut findings, ignored);
    upgrade.run.findings(&findings);
    refuse(&findings)
}

/// Pulls the images of the new version, and asks them about their flags: nothing is stopped before they are here.
fn pull(upgrade: &mut Upgrade) -> PhaseResult {
    let run = &mut upgrade.run;
    let mut wanted = run.settings.images();
    if !upgrade.options.etcd_upgrade {
        let etcd = run.settings.etcd_image();
        wanted.retain(|image| *image != etcd);
    }
    run.act(Verb::Pull, format!("the images of {} that are not here yet", run.settings.cluster.version));
    pull_and_ask(run, &wanted)
}
