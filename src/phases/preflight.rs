//! `preflight`: whether this machine can do what the workflow is for, before anything is written.

use super::ask_components::Asking;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::cri::{IMAGE_PULL, PullOptions};
use crate::images;
use crate::preflight::{Finding, PRIVILEGED, Severity, Subject, ignore};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Runs the checks, then pulls the control plane's images.
///
/// # Errors
/// When a check finds an error, or an image can't be pulled.
pub(crate) fn check_and_pull(run: &mut Run) -> PhaseResult {
    run.log("Running pre-flight checks");
    let subject = Subject::init(&run.settings);
    check(run, &subject)?;
    pull(run)
}

/// Pulls the control plane's images, and asks them whether they accept their command lines.
///
/// # Errors
/// When an image can't be pulled, or a component refuses a flag.
pub(crate) fn pull(run: &mut Run) -> PhaseResult {
    run.act(Verb::Pull, "missing images required for setting up a Kubernetes cluster");
    let wanted = run.settings.images();
    pull_and_ask(run, &wanted)
}

/// The same of these images only.
///
/// # Errors
/// When an image can't be pulled, or a component refuses a flag.
pub(crate) fn pull_and_ask(run: &mut Run, wanted: &[String]) -> PhaseResult {
    let asking = Asking::of(run)?;
    if !asking.is_ready(run) {
        run.runtime.release_sandbox();
    }
    let ignored = run.settings.node.registration.ignore_preflight_errors.clone();
    let options = PullOptions::of(&run.settings);
    let out = run.out.clone();
    let pulled = images::pull(&*run.runtime, wanted, options, &mut |line| out.log("preflight", line));
    let mut findings = pulled
        .unwrap_or_else(|why| vec![Finding { check: IMAGE_PULL.into(), ..Finding::error(why.to_string()) }]);
    ignore(&mut findings, &ignored);
    run.findings(&findings);
    refuse(&findings)?;
    asking.ask(run)?;
    Ok(Outcome::Done)
}

/// Runs the checks of a subject.
///
/// # Errors
/// When one of them finds an error.
pub(crate) fn check(run: &mut Run, subject: &Subject) -> Result<(), Error> {
    let ignored = run.settings.node.registration.ignore_preflight_errors.clone();
    let report = run.checks.run(subject, &ignored);
    run.findings(&report.findings);
    refuse(&report.findings)
}

/// Checks that the user is root: what reset and its phases need before anything else.
///
/// # Errors
/// When it is somebody else, unless that check is ignored.
pub(crate) fn check_privileged(run: &Run) -> Result<(), Error> {
    if run.host.is_privileged() {
        return Ok(());
    }
    let mut finding = Finding::error("user is not running as root").fix("run it with `sudo`");
    finding.check = PRIVILEGED.into();
    let mut findings = [finding];
    ignore(&mut findings, &run.settings.node.registration.ignore_preflight_errors);
    run.findings(&findings);
    refuse(&findings)
}

/// Waits for what a check does after it has answered: removing the sandbox that it started.
pub(crate) fn await_sandbox_removal(run: &Run) {
    if let Err(error) = run.runtime.sandbox_removed() {
        run.out.warn(
            "preflight",
            format!("the sandbox kubestrap-preflight, started as a check, can't be removed: {error}\n    fix: `crictl rmp --force` with its id"),
        );
    }
}

/// Ends the run where there are errors, before anything is written.
///
/// # Errors
/// When there are.
pub(crate) fn refuse(findings: &[Finding]) -> Result<(), Error> {
    let errors: Vec<Finding> = findings.iter().filter(|f| f.severity == Severity::Error).cloned().collect();
    let mut names: Vec<&str> = errors.iter().map(|f| f.check.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} preflight check{} failed: {} (nothing was changed)\n  fix these and run again, or bypass them with `--ignore-preflight-errors={}`",
        names.len(),
        if names.len() == 1 { "" } else { "s" },
        names.join(", "),
        names.join(",")
    );
    Err(Error::new(ExitStatus::Preflight, message).with_findings(errors))
}
