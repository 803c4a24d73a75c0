//! `preflight`: the checks alone, and fixing what is safe to fix.

use serde_json::json;

use super::configuration::Configuration;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;
use crate::preflight::{Options, RealHands, Severity, Subject, fix, run_checks};
use crate::workflow::machine;

/// Checks, fixes what it may, and checks again.
///
/// # Errors
/// When the configuration can't be used.
pub(crate) fn run(configuration: &Configuration, fixes: bool, out: &Printer) -> Result<ExitStatus, Error> {
    let settings = configuration.resolve(true, out)?.settings;
    let options =
        Options { ignored: settings.node.registration.ignore_preflight_errors.clone(), ..Options::default() };
    let machine = machine(&settings)?;
    let mut report = run_checks(&Subject::init(&settings), machine.clone(), &options);
    if fixes {
        let applied = fix(&report.findings, &*machine, &RealHands);
        for one in &applied {
            for done in &one.done {
                out.log("preflight", format!("{}: {done}", one.check));
            }
            if let Some(error) = &one.error {
                out.warn("preflight", format!("{}: {error}", one.check));
            }
        }
        if !applied.is_empty() {
            report = run_checks(&Subject::init(&settings), machine.clone(), &options);
        }
    }
    if let Err(error) = machine.container_runtime().sandbox_removed() {
        out.warn("preflight", format!("the sandbox kubestrap-preflight can't be removed: {error}"));
    }
    out.findings("preflight", &report.findings);
    let errors = report.of(Severity::Error).count();
    let data = json!({ "ok": errors == 0, "findings": report.findings });
    if errors == 0 {
        out.result(data, "This machine can become a control plane.\n");
        return Ok(ExitStatus::Done);
    }
    let checks = if errors == 1 { "check" } else { "checks" };
    out.failure(data, &format!("error: {errors} preflight {checks} failed"));
    Ok(ExitStatus::Preflight)
}
