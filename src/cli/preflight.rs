//! `preflight`: the checks alone, and putting right what is safe to put right.

use clap::Args;
use serde_json::json;

use super::init::{Init, machine};
use super::value::boolean;
use crate::phases::{Failure, PhaseError, await_removal};
use crate::preflight::{Finding, Options, RealHands, Severity, fix, run_checks};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kubestrap preflight --config kubeadm.yaml\n  kubestrap preflight --fix")]
pub(super) struct Preflight {
    #[command(flatten)]
    init: Init,
    /// Put right what is safe to put right: kernel settings and modules, swap
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    fix: Option<bool>,
}

impl Preflight {
    /// Checks, fixes what it may, and checks again.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        let out = self.init.output.printer();
        let settings = self.init.settings(&out)?;
        let options = Options {
            ignored: settings.init.node_registration.ignore_preflight_errors.clone(),
            ..Options::default()
        };
        let machine = machine(&settings)?;
        let mut report = run_checks(&settings, machine.clone(), &options);
        if self.fix == Some(true) {
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
                report = run_checks(&settings, machine.clone(), &options);
            }
        }
        await_removal(&*machine, &out);
        out.findings("preflight", &report.findings);
        let errors: Vec<&Finding> = report.of(Severity::Error).collect();
        let data = json!({ "ok": errors.is_empty(), "findings": report.findings });
        if errors.is_empty() {
            out.result(data, "This machine can become a control plane.\n");
            return Ok(());
        }
        out.failure(data, &format!("error: {} of the findings stand in the way", errors.len()));
        Err(PhaseError::new(Failure::Preflight, ""))
    }
}
