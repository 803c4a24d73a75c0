//! What a run tells: the plan of a dry run, and the report that is kept and shown to monitoring.

use serde_json::json;
use time::OffsetDateTime;

use super::super::AREA;
use super::super::cluster::Turn;
use super::request::Request;
use crate::care::due::Plan;
use crate::care::report::{Report, write_metrics};
use crate::certs::{State, Survey, survey, utc};
use crate::commands::certs::source::Source;
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::host::RealHost;
use crate::output::Printer;

pub(super) fn tell_plan(plan: &Plan, findings: &[Finding], out: &Printer) -> ExitStatus {
    let due: Vec<&str> = plan.steps.iter().flat_map(|s| s.names.iter().copied()).collect();
    for name in &due {
        out.log(AREA, format!("Would renew {name}"));
    }
    for name in &plan.external {
        out.log(AREA, format!("Would write a request for {name}, whose CA is external"));
    }
    let ok = !findings.iter().any(|f| f.severity == Severity::Error);
    let text = if due.is_empty() && plan.external.is_empty() { "Nothing is due.\n" } else { "" };
    out.result(
        json!({ "ok": ok, "dryRun": true, "due": due, "external": plan.external, "findings": findings }),
        text,
    );
    if ok { ExitStatus::Done } else { ExitStatus::Failed }
}

/// Keeps the report, and shows it to monitoring and in the cluster. None of that is worth failing for.
pub(super) fn told(
    report: &Report,
    source: &Source,
    request: &Request,
    turn: Option<&Turn<'_>>,
    host: &RealHost,
    out: &Printer,
) {
    if let Err(error) = report.keep(host) {
        out.warn(AREA, error.to_string());
    }
    let now = OffsetDateTime::now_utc();
    let after: Survey = survey(&source.pki, host).unwrap_or_default();
    if let Err(error) = write_metrics(report, &after, &request.metrics, host, now) {
        out.warn(AREA, error.to_string());
    }
    let next = after.leaves.iter().filter_map(|entry| match &entry.state {
        State::Present { expires, .. } => Some((*expires, entry.name)),
        State::Missing | State::Unreadable(_) => None,
    });
    if let Some((expires, name)) = next.min() {
        out.log(AREA, format!("The certificate that expires first is {name}, at {}", utc(expires)));
    }
    if let (Some(turn), Some(summary)) = (turn, report.summary())
        && let Err(error) = turn.event(report.ok, &summary)
    {
        out.warn(AREA, format!("could not write an Event on the Node: {error}"));
    }
}
