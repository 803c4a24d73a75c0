//! Runs the table: every check at once, each with its limit, findings in the order of the table.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::check::Check;
use super::finding::{Finding, Severity};
use super::machine::Machine;
use super::table::{PRIVILEGED, table};
use crate::config::Settings;

/// How to run the checks.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of checks, in any case, whose errors are warnings; `all` is all of them.
    pub ignored: Vec<String>,
    /// Only what stands on the machine already, and whether it is of this cluster.
    pub existing_only: bool,
    /// Only look: no root needed, nothing is started or written for a test.
    pub dry_run: bool,
}

/// What the checks found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// In the order of the table.
    pub findings: Vec<Finding>,
    /// How long it took.
    #[serde(skip)]
    pub took: Duration,
}

impl Report {
    /// The findings of one severity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.severity == severity)
    }

    /// Whether init may go on: nothing is an error.
    pub fn is_ok(&self) -> bool {
        self.of(Severity::Error).next().is_none()
    }
}

/// Runs all checks of init. As in kubeadm, one who is not root is told only that, except in a dry run.
pub fn run_checks(settings: &Settings, machine: Arc<dyn Machine>, options: &Options) -> Report {
    let start = Instant::now();
    let settings = Arc::new(settings.clone());
    let mut checks = table(&settings);
    checks.retain(|c| !(options.dry_run && (c.acts || c.name == PRIVILEGED)));
    checks.retain(|c| c.existing || !options.existing_only);
    let privileged: Vec<Check> = checks.extract_if(.., |c| c.name == PRIVILEGED).collect();
    let mut findings = run_all(privileged, &settings, &machine);
    ignore(&mut findings, &options.ignored);
    if findings.iter().all(|f| f.severity < Severity::Error) {
        findings.extend(run_all(checks, &settings, &machine));
        ignore(&mut findings, &options.ignored);
    }
    Report { findings, took: start.elapsed() }
}

/// Errors of ignored checks become warnings. `ignored` are names in any case, or `all`.
pub fn ignore(findings: &mut [Finding], ignored: &[String]) {
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

/// How long nobody may have an answer before one more thread takes part.
const SILENCE: Duration = Duration::from_micros(500);

/// The checks run in threads, since what hangs in the kernel (a dead NFS mount) can't be cancelled: it is left behind.
/// Most take no time, and starting a thread does: as many as there are processors take one after the other, and more
/// join them while these wait for something.
fn run_all(checks: Vec<Check>, settings: &Arc<Settings>, machine: &Arc<dyn Machine>) -> Vec<Finding> {
    let start = Instant::now();
    let checks = Arc::new(checks);
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel();
    let work = {
        let (checks, next) = (Arc::clone(&checks), Arc::clone(&next));
        let (settings, machine) = (Arc::clone(settings), Arc::clone(machine));
        move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(check) = checks.get(index) else { break };
                // A receiver that is gone has given up on us.
                let _ = sender.send((index, check.run(&settings, &*machine)));
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
    let mut results: Vec<Option<Vec<Finding>>> = checks.iter().map(|_| None).collect();
    loop {
        let pending = checks.iter().zip(&results).filter(|(_, r)| r.is_none());
        let Some(longest) = pending.map(|(c, _)| c.limit).max() else { break };
        let left = longest.saturating_sub(start.elapsed());
        let all_begun = next.load(Ordering::Relaxed) >= checks.len();
        match receiver.recv_timeout(if all_begun { left } else { left.min(SILENCE) }) {
            Ok((index, findings)) => {
                if let Some(result) = results.get_mut(index) {
                    *result = Some(findings);
                }
            }
            Err(RecvTimeoutError::Timeout) if !all_begun && !left.is_zero() => join(),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let all = checks.iter().zip(results);
    all.flat_map(|(check, result)| result.unwrap_or_else(|| vec![check.overdue()])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeMachine, settings};
    use super::*;

    fn run(checks: Vec<Check>) -> Vec<Finding> {
        run_all(checks, &Arc::new(settings("")), &(Arc::new(FakeMachine::healthy()) as Arc<dyn Machine>))
    }

    #[test]
    fn findings_keep_the_order_of_the_table_whoever_is_first() {
        let slow = |name: &'static str, ms: u64| {
            Check::new(name, Severity::Error, "", move |_, _| {
                std::thread::sleep(Duration::from_millis(ms));
                vec![Finding::error(name)]
            })
        };
        let start = Instant::now();
        let findings = run(vec![slow("a", 150), slow("b", 10), slow("c", 150)]);
        assert!(start.elapsed() < Duration::from_millis(290), "one after the other");
        let names: Vec<&str> = findings.iter().map(|f| f.check.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn what_hangs_or_dies_is_said_and_not_waited_for() {
        let hang = Check::new("Hang", Severity::Error, "hanging", |_, _| {
            std::thread::sleep(Duration::from_secs(30));
            vec![]
        });
        let dies = Check::new("Dies", Severity::Error, "dying", |_, _| panic!("on purpose"));
        let good = Check::new("Good", Severity::Warning, "", |_, _| vec![Finding::error("x")]);
        let start = Instant::now();
        let findings = run(vec![hang.within(1), dies.within(1), good]);
        assert!(start.elapsed() < Duration::from_secs(8));
        assert_eq!(findings[0].check, "Hang");
        assert!(findings[0].what.contains("within 1 s") && findings[0].severity == Severity::Warning);
        assert_eq!((findings[2].check.as_str(), findings[2].severity), ("Good", Severity::Warning));
    }

    #[test]
    fn ignored_errors_are_warnings_in_any_case_of_letters() {
        let machine = || FakeMachine { cpus: 1, memory: 1 << 20, ..FakeMachine::healthy() };
        let errors = |ignored: &[&str]| {
            let options =
                Options { ignored: ignored.iter().map(|i| (*i).into()).collect(), ..Options::default() };
            let report = run_checks(&settings(""), Arc::new(machine()), &options);
            assert_eq!(report.findings.len(), 2, "{:?}", report.findings);
            report.of(Severity::Error).map(|f| f.check.clone()).collect::<Vec<_>>()
        };
        assert_eq!(errors(&[]), ["NumCPU", "Mem"]);
        assert_eq!(errors(&["numcpu"]), ["Mem"]);
        assert_eq!(errors(&["all"]), [""; 0]);
    }

    #[test]
    fn one_who_is_not_root_is_told_only_that() {
        let machine = || Arc::new(FakeMachine { root: false, cpus: 1, ..FakeMachine::healthy() });
        let checks = |ignored: &[&str], dry_run| {
            let options = Options {
                ignored: ignored.iter().map(|i| (*i).into()).collect(),
                dry_run,
                ..Options::default()
            };
            let report = run_checks(&settings(""), machine(), &options);
            report.findings.iter().map(|f| (f.check.clone(), f.severity)).collect::<Vec<_>>()
        };
        let (root, cpu) = ("IsPrivilegedUser".to_owned(), ("NumCPU".to_owned(), Severity::Error));
        assert_eq!(checks(&[], false), [(root.clone(), Severity::Error)]);
        assert_eq!(checks(&["IsPrivilegedUser"], false), [(root, Severity::Warning), cpu.clone()]);
        assert_eq!(checks(&[], true), [cpu]);
    }
}
