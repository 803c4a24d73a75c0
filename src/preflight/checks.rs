//! When the checks run: before everything else, or beside a dry run.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::runner::{Options, Report, run_checks};
use super::subject::Subject;
use crate::host::machine::Machine;

/// What runs the checks.
pub(crate) trait Checks {
    /// Runs them all but for those of `ignored` names; what they found, where that is waited for.
    fn run(&mut self, subject: &Subject, ignored: &[String]) -> Report;
}

/// Runs them and waits, since what they find may end the run.
pub(crate) struct Before(pub Arc<dyn Machine>);

impl Checks for Before {
    fn run(&mut self, subject: &Subject, ignored: &[String]) -> Report {
        let options = Options { ignored: ignored.to_vec(), ..Options::default() };
        run_checks(subject, Arc::clone(&self.0), &options)
    }
}

/// Runs them beside a dry run, of which nothing can come: what they find is asked for at its end.
#[derive(Clone)]
pub(crate) struct Beside {
    machine: Arc<dyn Machine>,
    running: Arc<Mutex<Vec<JoinHandle<Report>>>>,
}

impl Beside {
    /// On this machine.
    pub(crate) fn new(machine: Arc<dyn Machine>) -> Self {
        Self { machine, running: Arc::default() }
    }

    /// Waits for them; nothing where they were not started.
    pub(crate) fn found(&self) -> Report {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let reports = running.into_iter().filter_map(|checks| checks.join().ok());
        let all = reports.reduce(|mut all, Report { findings, took }| {
            all.findings.extend(findings);
            all.took += took;
            all
        });
        all.unwrap_or_default()
    }
}

impl Checks for Beside {
    fn run(&mut self, subject: &Subject, ignored: &[String]) -> Report {
        let options = Options { ignored: ignored.to_vec(), dry_run: true, ..Options::default() };
        let (subject, machine) = (subject.clone(), Arc::clone(&self.machine));
        let checks = std::thread::spawn(move || run_checks(&subject, machine, &options));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(checks);
        Report::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeMachine, settings};
    use super::*;

    #[test]
    fn dry_run_reports_findings_at_its_end_and_needs_no_root() {
        let machine = || Arc::new(FakeMachine { cpus: 1, root: false, ..FakeMachine::healthy() });
        let names = |report: &Report| report.findings.iter().map(|f| f.check.clone()).collect::<Vec<_>>();
        assert_eq!(names(&Before(machine()).run(&Subject::init(&settings("")), &[])), ["IsPrivilegedUser"]);
        let mut beside = Beside::new(machine());
        assert!(beside.run(&Subject::init(&settings("")), &[]).findings.is_empty());
        assert_eq!(names(&beside.found()), ["NumCPU"]);
        assert!(beside.found().findings.is_empty(), "told once");
    }
}
