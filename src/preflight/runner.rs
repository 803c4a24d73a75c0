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
mod tests {
    use super::super::fake::{FakeMachine, settings};
    use super::super::subject::Role;
    use super::*;

    fn init() -> Subject {
        Subject::init(&settings(""))
    }

    #[test]
    fn advice_is_in_the_words_of_the_machine_s_init_system() {
        let fix = |name| {
            let machine = FakeMachine::with(|m| {
                m.init_system = Some(name);
                m.services.entry("kubelet".into()).or_default().enabled = false;
            });
            let report = run_checks(&init(), Arc::new(machine), &Options::default());
            report.findings.into_iter().find(|f| f.check == "Service-kubelet").and_then(|f| f.fix).unwrap()
        };
        assert_eq!(fix("systemd"), "`systemctl enable kubelet.service`");
        assert_eq!(fix("OpenRC"), "`rc-update add kubelet default`");
    }

    fn run_on(machine: FakeMachine, checks: Vec<Check>) -> Vec<Finding> {
        run_all(checks, &Arc::new(init()), &(Arc::new(machine) as Arc<dyn Machine>))
    }

    fn check(
        name: &str,
        level: Severity,
        measures: &'static str,
        run: impl Fn() -> Vec<Finding> + Send + Sync + 'static,
    ) -> Check {
        Check::node(&[Role::Init], name, level, measures, move |_, _| run())
    }

    fn run(checks: Vec<Check>) -> Vec<Finding> {
        run_on(FakeMachine::healthy(), checks)
    }

    /// Blocks until the sender is gone.
    fn wait_for(gate: &std::sync::Mutex<mpsc::Receiver<()>>) {
        let _ = gate.lock().unwrap().recv();
    }

    #[test]
    fn findings_are_in_the_order_of_the_table_whichever_check_ends_first() {
        let (last_ended, gate) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let last_ended = std::sync::Mutex::new(Some(last_ended));
        // The first ends only after the last: so they run at the same time.
        let first = check("a", Severity::Error, "", move || {
            wait_for(&gate);
            vec![Finding::error("a")]
        });
        let last = check("b", Severity::Error, "", move || {
            last_ended.lock().unwrap().take();
            vec![Finding::error("b")]
        });
        let names: Vec<String> = run(vec![first, last]).into_iter().map(|f| f.check).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn check_that_hangs_or_panics_is_reported_and_not_waited_for() {
        let (_never_sent, gate) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let hang = check("Hang", Severity::Error, "what hangs", move || {
            wait_for(&gate);
            vec![]
        });
        let dies = check("Dies", Severity::Error, "what panics", || panic!("on purpose"));
        let good = check("Good", Severity::Warning, "", || vec![Finding::error("x")]);
        let findings = run(vec![hang.within(1), dies.within(1), good]);
        let found: Vec<(&str, &str, Severity)> =
            findings.iter().map(|f| (f.check.as_str(), f.what.as_str(), f.severity)).collect();
        assert_eq!(
            found,
            [
                ("Hang", "could not check what hangs: no result within 1 s", Severity::Warning),
                ("Dies", "could not check what panics: no result within 1 s", Severity::Warning),
                ("Good", "x", Severity::Warning),
            ]
        );
    }

    #[test]
    fn failed_measurements_are_warnings_and_one_line_without_root() {
        let checks = || {
            let unreadable = |name| {
                Check::node(&[Role::Init], name, Severity::Error, "the file", |_, _| {
                    let denied = std::io::ErrorKind::PermissionDenied.into();
                    Err::<Vec<Finding>, _>(Unmeasured::io("/f", &denied))
                })
            };
            let broken = Check::node(&[Role::Init], "Broken", Severity::Error, "the clock", |_, _| {
                Err::<Vec<Finding>, _>(Unmeasured::new("`timedatectl`", "exit code 1"))
            });
            vec![unreadable("A"), unreadable("B"), broken]
        };
        let found = |root| {
            let found = run_on(FakeMachine { root, ..FakeMachine::healthy() }, checks());
            found.into_iter().map(|f| format!("{:?} {}: {}", f.severity, f.check, f.what)).collect::<Vec<_>>()
        };
        assert_eq!(
            found(true),
            [
                "Warning A: could not check the file: /f: permission denied",
                "Warning Broken: could not check the clock: `timedatectl`: exit code 1",
            ]
        );
        assert_eq!(
            found(false),
            [
                "Warning Broken: could not check the clock: `timedatectl`: exit code 1",
                "Info IsPrivilegedUser: not checked completely without root: A, B",
            ]
        );
    }

    #[test]
    fn failed_measurement_that_a_finding_mentions_is_not_repeated() {
        let reports = Check::node(&[Role::Init], "A", Severity::Error, "the file", |_, machine| {
            let error = machine.read("/etc/f".as_ref()).unwrap_err();
            vec![Finding::error("/etc/f can't be read").evidence(error.to_string())]
        });
        let swallows = Check::node(&[Role::Init], "B", Severity::Error, "the file", |_, machine| {
            let _ = machine.text("/etc/f".as_ref());
            Vec::<Finding>::new()
        });
        let machine = FakeMachine::with(|m| {
            m.unreadable.insert("/etc/f".into(), std::io::ErrorKind::Other);
        });
        let names: Vec<String> =
            run_on(machine, vec![reports, swallows]).into_iter().map(|f| f.what).collect();
        assert_eq!(names, ["/etc/f can't be read"]);
    }

    #[test]
    fn ignored_errors_are_warnings_in_any_case_of_letters() {
        let machine = || FakeMachine { cpus: 1, memory: 1 << 20, ..FakeMachine::healthy() };
        let errors = |ignored: &[&str]| {
            let options =
                Options { ignored: ignored.iter().map(|i| (*i).into()).collect(), ..Options::default() };
            let report = run_checks(&init(), Arc::new(machine()), &options);
            assert_eq!(report.findings.len(), 2, "{:?}", report.findings);
            report.of(Severity::Error).map(|f| f.check.clone()).collect::<Vec<_>>()
        };
        assert_eq!(errors(&[]), ["NumCPU", "Mem"]);
        assert_eq!(errors(&["numcpu"]), ["Mem"]);
        assert_eq!(errors(&["all"]), [""; 0]);
    }

    #[test]
    fn without_root_only_that_is_reported() {
        let machine = || Arc::new(FakeMachine { root: false, cpus: 1, ..FakeMachine::healthy() });
        let checks = |ignored: &[&str], dry_run| {
            let options = Options {
                ignored: ignored.iter().map(|i| (*i).into()).collect(),
                dry_run,
                ..Options::default()
            };
            let report = run_checks(&init(), machine(), &options);
            report.findings.iter().map(|f| (f.check.clone(), f.severity)).collect::<Vec<_>>()
        };
        let (root, cpu) = ("IsPrivilegedUser".to_owned(), ("NumCPU".to_owned(), Severity::Error));
        assert_eq!(checks(&[], false), [(root.clone(), Severity::Error)]);
        assert_eq!(checks(&["IsPrivilegedUser"], false), [(root, Severity::Warning), cpu.clone()]);
        assert_eq!(checks(&[], true), [cpu]);
    }
}
