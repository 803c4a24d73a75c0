//! `care run`: what the timer starts.

mod admission;
mod request;
mod told;

use std::time::{Duration, SystemTime};

use serde_json::json;
use time::OffsetDateTime;

use super::cluster::Turn;
use super::hands::Machine;
use super::{AREA, external};
use crate::care::due::{self, Plan};
use crate::care::order::{Done, Stopped, carry_out};
use crate::care::report::Report;
use crate::care::{copies, rotation};
use crate::certs::{survey, utc};
use crate::commands::certs::restart::Terms;
use crate::commands::certs::source::Source;
use crate::commands::etcd::{Target, snapshot};
use crate::commands::reach::{self, Reached};
use crate::config::Paths;
use crate::error::Error;
use crate::etcd::snapshot::{Retention, prune};
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::host::{self, Host, RealHost, remove_leftovers};
use crate::manifest::Component;
use crate::node::identity;
use crate::output::Printer;
use crate::pki::Bundle;
use crate::pki::table::row;
use admission::{Admission, COMMAND, wait_for_turn};
pub(crate) use request::Request;
use told::{tell_plan, told};

/// How long the API server may take to answer: a run that can't ask it is not in vain.
const PATIENCE: Duration = Duration::from_secs(5);

/// Renews what is due, saves a snapshot, and tells.
///
/// # Errors
/// When the certificates can't be looked at, or another kubestrap is at work.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    if !request.dry_run {
        std::thread::sleep(delay(request.jitter));
    }
    let host = RealHost::new();
    let source = request.location.find(AREA, &host, out)?;
    let paths = Paths::new(&source.pki.certificates.to_string_lossy(), Some(&source.pki.kubeconfigs));
    if request.dry_run {
        let _lock = source.lock(COMMAND)?;
        let now = OffsetDateTime::now_utc();
        let plan = due::plan(&survey(&source.pki, &host)?, source.validity, now);
        let findings = found(&plan, &source, &paths, &host, now, out);
        return Ok(tell_plan(&plan, &findings, out));
    }
    let node = identity::node_name(&paths, &host).ok().flatten();
    let node = node.unwrap_or_else(|| host::gather().hostname.to_lowercase());
    let reached = reach::connect(&request.location.kubeconfig, PATIENCE);
    let turn = reached.as_ref().ok().map(|reached: &Reached| Turn::new(reached, &node));
    let (_lock, plan, admission) = wait_for_turn(request, &source, &host, turn.as_ref(), out)?;
    let now = OffsetDateTime::now_utc();
    let findings = found(&plan, &source, &paths, &host, now, out);
    for folder in source.pki.folders() {
        remove_leftovers(&folder)?;
    }
    let mut report = Report::default();
    let done = renew(&plan, admission, request, &source, &host, turn.as_ref(), out);
    let unhealthy = note(done, &mut report);
    let (written, failures) = external::request(&plan.external, &source.pki, &host, now, out);
    report.requests = written;
    report.failures.extend(failures);
    // A snapshot needs no turn.
    if !unhealthy {
        keep_snapshot(request, &source, &host, &mut report, out);
    }
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    report.failures.extend(errors.map(|f| f.what.clone()));
    if let (Some(why), true) = (&report.postponed, plan.expired) {
        report.failures.push(format!("a certificate has expired, and {why}"));
    }
    report.ok = report.failures.is_empty() && report.stopped.is_none();
    report.finished = utc(OffsetDateTime::now_utc());
    told(&report, &source, request, turn.as_ref(), &host, out);
    let data = json!({ "ok": report.ok, "report": report, "findings": findings });
    match (&report.summary(), &report.postponed) {
        (None, _) => out.result(data, "Nothing was due.\n"),
        (Some(_), Some(why)) if report.ok => {
            out.result(data, &format!("Left to the next run, as {why}.\n"));
        }
        (Some(_), None) if report.ok => out.result(data, "Done.\n"),
        (Some(summary), _) => out.failure(data, &format!("error: {summary}")),
    }
    Ok(match (report.ok, unhealthy) {
        (true, _) => ExitStatus::Done,
        (false, true) => ExitStatus::Unhealthy,
        (false, false) => ExitStatus::Failed,
    })
}

/// What can't be fixed by a renewal.
fn found(
    plan: &Plan,
    source: &Source,
    paths: &Paths,
    host: &RealHost,
    now: OffsetDateTime,
    out: &Printer,
) -> Vec<Finding> {
    let mut findings = plan.findings.clone();
    findings.extend(rotation::check(paths, host, now));
    findings.extend(users(source, host, now));
    let init = host.init_system().map(|init| init.name());
    let findings: Vec<Finding> = findings.into_iter().map(|finding| finding.in_words_of(init)).collect();
    out.findings(AREA, &findings);
    findings
}

/// Some time up to `jitter`. The clock's fraction of a second is as random as nodes need to differ.
fn delay(jitter: Duration) -> Duration {
    let fraction =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    jitter.mul_f64(f64::from(fraction) / 1e9)
}

/// Renews what is due, if this node may be touched.
fn renew(
    plan: &Plan,
    admission: Admission,
    request: &Request,
    source: &Source,
    host: &RealHost,
    turn: Option<&Turn<'_>>,
    out: &Printer,
) -> Done {
    match admission {
        Admission::Granted => {}
        Admission::Postponed(why) => {
            return Done { stopped: Some(Stopped::NotOurTurn(why)), ..Done::default() };
        }
        Admission::Refused(why) => return Done { failures: vec![why], ..Done::default() },
    }
    let terms = Terms { limit: request.limit, cri_socket: None };
    let done = carry_out(&plan.steps, &mut Machine { source, host, terms: &terms, turn, out });
    if let (true, Some(turn)) = (done != Done::default(), turn) {
        turn.release();
    }
    done
}

/// Takes note of what was done; whether a component did not come back.
fn note(done: Done, report: &mut Report) -> bool {
    report.renewed = done.renewed.into_iter().map(str::to_owned).collect();
    report.restarted = done.restarted.iter().map(|c| c.name().to_owned()).collect();
    report.failures = done.failures;
    match done.stopped {
        Some(Stopped::Unhealthy(why)) => report.stopped = Some(why),
        Some(Stopped::NotOurTurn(why)) => report.postponed = Some(why),
        None => {}
    }
    report.stopped.is_some()
}

/// Saves a snapshot of a local etcd, and removes the oldest ones.
fn keep_snapshot(request: &Request, source: &Source, host: &RealHost, report: &mut Report, out: &Printer) {
    let manifests = source.pki.kubeconfigs.join("manifests");
    let Some(dir) =
        request.snapshots.as_ref().filter(|_| host.exists(&manifests.join(Component::Etcd.file())))
    else {
        return;
    };
    let save =
        snapshot::Save { target: Target { manifests, ..Target::default() }, path: None, dir: dir.clone() };
    match snapshot::take(&save, out) {
        Ok((path, _)) => report.snapshot = Some(path.display().to_string()),
        // The old ones stay then.
        Err(error) => {
            return report.failures.push(format!("could not save a snapshot of etcd: {}", error.message));
        }
    }
    let retention = Retention { count: Some(request.keep), age: None };
    match prune(dir, retention, SystemTime::now()) {
        Ok(removed) => {
            removed.iter().for_each(|one| out.log(AREA, format!("Removed {}", one.path.display())));
        }
        Err(error) => report.failures.push(format!("could not remove old snapshots: {error}")),
    }
}

/// Kubeconfigs of users that are due.
fn users(source: &Source, host: &RealHost, now: OffsetDateTime) -> Vec<Finding> {
    let ca = row("ca").and_then(|row| host.read(&source.pki.certificate(row)).ok().flatten());
    let Some(ca) = ca.and_then(|text| Bundle::from_pem(&text).ok()) else { return vec![] };
    copies::check(&copies::of_homes(host), &ca, source.validity, host, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_delay_within_its_limit() {
        assert_eq!(delay(Duration::ZERO), Duration::ZERO);
        let hour = Duration::from_secs(3600);
        assert!((0..100).all(|_| delay(hour) <= hour));
    }

    #[test]
    fn component_that_stays_away_is_told_apart_from_another_node_s_turn() {
        let noted = |stopped| {
            let mut report = Report::default();
            let unhealthy = note(Done { stopped: Some(stopped), ..Done::default() }, &mut report);
            (unhealthy, report.stopped, report.postponed)
        };
        assert_eq!(noted(Stopped::Unhealthy("etcd".into())), (true, Some("etcd".into()), None));
        assert_eq!(noted(Stopped::NotOurTurn("cp-2".into())), (false, None, Some("cp-2".into())));
    }
}
