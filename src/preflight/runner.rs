//! Runs the table: every check at once, each with its limit, findings in the order of the table.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::check::Check;
use super::outcome::{Outcome, Unmeasured};
use super::subject::Subject;
use super::table::{PRIVILEGED, table};
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;

/// How to run the checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Names of checks, in any case, whose errors are warnings; `all` is all of them.
    pub ignored: Vec<String>,
    /// Only what stands on the machine already, and whether it is of this cluster.
    pub existing_only: bool,
    /// Only look: no root needed, nothing is started or written for a test.
    pub dry_run: bool,
}

/// What the checks found.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// In the order of the table.
    pub findings: Vec<Finding>,
    /// How long it took.
    #[serde(skip)]
    pub took: Duration,
}

impl Report {
    /// The findings of one severity.
    pub(crate) fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.severity == severity)
    }
}

/// Runs all checks of a subject. As in kubeadm, one who is not root is told only that, except in a dry run.
pub(crate) fn run_checks(subject: &Subject, machine: Arc<dyn Machine>, options: &Options) -> Report {
    let start = Instant::now();
    let subject = Arc::new(subject.clone());
    let mut checks = table(&subject);
    checks.retain(|c| !(options.dry_run && (c.acts || c.name == PRIVILEGED)));
    checks.retain(|c| c.existing || !options.existing_only);
    let privileged: Vec<Check> = checks.extract_if(.., |c| c.name == PRIVILEGED).collect();
    let mut findings = run_all(privileged, &subject, &machine);
    ignore(&mut findings, &options.ignored);
    if findings.iter().all(|f| f.severity < Severity::Error) {
        findings.extend(run_all(checks, &subject, &machine));
        ignore(&mut findings, &options.ignored);
    }
    let init = machine.init_system();
    let findings = findings.into_iter().map(|finding| finding.in_words_of(init)).collect();
    Report { findings, took: start.elapsed() }
}

/// Errors of ignored checks become warnings. `ignored` are names in any case, or `all`.
pub(crate) fn ignore(findings: &mut [Finding], ignored: &[String]) {
    let is_ignored = |check: &str| {
        ignored
            .iter()
            .map(|i| i.trim())
            .any(|i| i.eq_ignore_ascii_case("all") || i.eq_ignore_ascii_case(check))
    };
    for finding in findings.iter_mut().filter(|f| is_ignored(&f.check)) {
        finding.severity = finding.severity.min(Severity::Warning);
    }
}

/// How long no check may end before one more thread is started.
const SILENCE: Duration = Duration::from_micros(500);

/// The checks run in threads, since a call that hangs in the kernel (a dead NFS mount) can't be cancelled: its thread is
/// abandoned. Most checks take less time than starting a thread: as many threads as there are processors take one check
/// after the other, and more are started while these wait.
fn run_all(checks: Vec<Check>, subject: &Arc<Subject>, machine: &Arc<dyn Machine>) -> Vec<Finding> {
    let start = Instant::now();
    let checks = Arc::new(checks);
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel();
    let work = {
        let (checks, next) = (Arc::clone(&checks), Arc::clone(&next));
        let (subject, machine) = (Arc::clone(subject), Arc::clone(machine));
        move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(check) = checks.get(index) else { break };
                // A receiver that is gone has given up on us.
                let _ = sender.send((index, check.run(&subject, &*machine)));
            }
        }
    };
    let join = || {
        if std::thread::Builder::new().name("preflight".into()).spawn(work.clone()).is_err() {
            work();
        }
    };
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(checks.len()) {
        join();
    }
    let mut results: Vec<Option<Outcome>> = checks.iter().map(|_| None).collect();
    loop {
        let pending = checks.iter().zip(&results).filter(|(_, r)| r.is_none());
        let Some(longest) = pending.map(|(c, _)| c.limit).max() else { break };
        let left = longest.saturating_sub(start.elapsed());
        let all_begun = next.load(Ordering::Relaxed) >= checks.len();
        match receiver.recv_timeout(if all_begun { left } else { left.min(SILENCE) }) {
            Ok((index, outcome)) => {
                if let Some(result) = results.get_mut(index) {
                    *result = Some(outcome);
                }
            }
            Err(RecvTimeoutError::Timeout) if !all_begun && !left.is_zero() => join(),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let mut findings = vec![];
    let mut failed: Vec<Failed> = vec![];
    for (check, outcome) in checks.iter().zip(results) {
        let Some(outcome) = outcome else {
            findings.push(check.overdue());
            continue;
        };
        findings.extend(outcome.findings);
        for unmeasured in outcome.unmeasured {
            match failed.iter_mut().find(|f| f.unmeasured == unmeasured) {
                Some(known) => known.checks.push(check),
                None => failed.push(Failed { unmeasured, checks: vec![check] }),
            }
        }
    }
    findings.extend(not_measured(failed, &findings, machine.is_root()));
    findings
}

/// A measurement that failed, and the checks that needed it.
struct Failed<'a> {
    unmeasured: Unmeasured,
    checks: Vec<&'a Check>,
}

/// What to say of measurements that failed: one warning for each, and one line for all that need root. What a finding
/// already mentions is not repeated.
fn not_measured(failed: Vec<Failed<'_>>, findings: &[Finding], root: bool) -> Vec<Finding> {
    let is_mentioned = |what: &str| {
        findings.iter().any(|f| f.what.contains(what) || f.evidence.iter().any(|line| line.contains(what)))
    };
    let mut without_root: Vec<&str> = vec![];
    let mut told = vec![];
    for Failed { unmeasured, checks } in failed {
        let Unmeasured { what, why, needs_root } = unmeasured;
        if is_mentioned(&what) {
            continue;
        }
        if needs_root && !root {
            without_root.extend(checks.iter().map(|c| c.name.as_str()));
            continue;
        }
        let mut measures: Vec<&str> = checks.iter().map(|c| c.measures).collect();
        measures.dedup();
        let check = checks.first().map(|c| c.name.clone()).unwrap_or_default();
        let what = format!("could not check {}: {what}: {why}", measures.join(", "));
        told.push(Finding { check, ..Finding::warning(what) });
    }
    let mut names: Vec<&str> = vec![];
    for name in without_root {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        let what = format!("not checked completely without root: {}", names.join(", "));
        told.push(Finding { check: PRIVILEGED.into(), ..Finding::info(what) });
    }
    told
}

#[cfg(test)]
mod tests;
