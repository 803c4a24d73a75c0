//! `preflight`: whether this machine can become a control plane, before anything is written.

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::output::Printer;
use crate::preflight::{Finding, IMAGE_PULL, Machine, PullOptions, Severity, ignore};

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("preflight", "Check that this machine can become a control plane", run).alias(&["pre-flight"])
}

fn run(context: &mut InitContext) -> PhaseResult {
    let ignored = context.settings.init.node_registration.ignore_preflight_errors.clone();
    context.out.log("preflight", "Checking this machine");
    let report = context.checks.run(&context.settings, &ignored);
    context.out.findings("preflight", &report.findings);
    refuse(&report.findings)?;
    let pull = PullOptions::of(&context.settings);
    let pulled = context.images.pull(&context.settings.images(), pull, &context.out);
    let mut findings =
        pulled.unwrap_or_else(|why| vec![Finding { check: IMAGE_PULL.into(), ..Finding::error(why) }]);
    ignore(&mut findings, &ignored);
    context.out.findings("preflight", &findings);
    refuse(&findings)?;
    Ok(Outcome::Done)
}

/// Waits for what a check does after it has answered: removing the sandbox that it started.
pub fn await_removal(machine: &dyn Machine, out: &Printer) {
    if let Err(error) = machine.sandbox_removed() {
        out.warn(
            "preflight",
            format!("the sandbox kubestrap-preflight, started as a check, can't be removed: {error}; `crictl rmp --force` with its id removes it"),
        );
    }
}

/// Ends the run where there are errors, before anything is written.
fn refuse(findings: &[Finding]) -> Result<(), PhaseError> {
    let errors: Vec<Finding> = findings.iter().filter(|f| f.severity == Severity::Error).cloned().collect();
    let mut names: Vec<&str> = errors.iter().map(|f| f.check.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "this machine can't become a control plane yet: {} (nothing was changed)\n  mend it and run again, or go on regardless with `--ignore-preflight-errors={}`",
        names.join(", "),
        names.join(",")
    );
    Err(PhaseError::new(Failure::Preflight, message).with_findings(errors))
}
