//! `preflight`: whether this machine can become a control plane, before anything is written.

use std::sync::Arc;

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::output::Printer;
use crate::preflight::{Finding, IMAGE_PULL, Options, PullOptions, Severity, ignore, run_checks};

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("preflight", "Check that this machine can become a control plane", run).alias(&["pre-flight"])
}

fn run(context: &mut InitContext) -> PhaseResult {
    let options = Options {
        ignored: context.settings.init.node_registration.ignore_preflight_errors.clone(),
        dry_run: context.host.is_dry_run(),
        existing_only: false,
    };
    context.out.log("preflight", "Checking this machine");
    let report = run_checks(&context.settings, Arc::clone(&context.machine), &options);
    for finding in &report.findings {
        show_finding(&context.out, finding);
    }
    refuse(report.of(Severity::Error))?;
    let pull = PullOptions::of(&context.settings);
    let pulled = context.images.pull(&context.settings.images(), pull, &context.out);
    let mut findings =
        pulled.unwrap_or_else(|why| vec![Finding { check: IMAGE_PULL.into(), ..Finding::error(why) }]);
    ignore(&mut findings, &options.ignored);
    for finding in &findings {
        show_finding(&context.out, finding);
    }
    refuse(findings.iter().filter(|f| f.severity == Severity::Error))?;
    Ok(Outcome::Done)
}

/// Ends the run where there are errors, before anything is written.
fn refuse<'a>(errors: impl Iterator<Item = &'a Finding>) -> Result<(), PhaseError> {
    let mut names: Vec<&str> = errors.map(|f| f.check.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    Err(PhaseError::new(
        Failure::Preflight,
        format!(
            "this machine can't become a control plane yet: {} (nothing was changed)\n  mend it and run again, or go on regardless with `--ignore-preflight-errors={}`",
            names.join(", "),
            names.join(",")
        ),
    ))
}

/// Prints what was found, unless it is of no consequence.
pub fn show_finding(out: &Printer, finding: &Finding) {
    if finding.severity != Severity::Info {
        out.log("preflight", finding_text(finding));
    }
}

/// A finding, in kubeadm's form with what it lacks: evidence, cause and fix.
pub fn finding_text(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    };
    let mut text = format!("[{level} {}]: {}", finding.check, finding.what);
    for line in &finding.evidence {
        text.push_str(&format!("\n    | {line}"));
    }
    for (label, line) in [("cause", &finding.cause), ("fix", &finding.fix)] {
        if let Some(line) = line {
            text.push_str(&format!("\n    {label}: {line}"));
        }
    }
    text
}
