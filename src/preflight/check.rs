//! A row of the table: one check.

use std::time::Duration;

use super::finding::{Finding, Severity};
use super::machine::Machine;
use crate::config::Settings;

/// How long a check may take where its row says nothing else: far more than any needs on a machine that answers.
pub const LIMIT: Duration = Duration::from_secs(10);

type Run = Box<dyn Fn(&Settings, &dyn Machine) -> Vec<Finding> + Send + Sync>;

/// One check.
pub struct Check {
    /// Its name, kubeadm's where kubeadm has it, as `--ignore-preflight-errors` takes it in any case.
    pub name: String,
    /// What it measures, in a line.
    pub measures: &'static str,
    /// How bad its findings are at most.
    pub level: Severity,
    /// It looks at what stands on the machine already: what an earlier init left, or another cluster's.
    pub existing: bool,
    /// It does something to the machine for a moment, and so has no place in a dry run.
    pub acts: bool,
    /// How long it may take.
    pub limit: Duration,
    run: Run,
}

impl Check {
    pub(super) fn new(
        name: impl Into<String>,
        level: Severity,
        measures: &'static str,
        run: impl Fn(&Settings, &dyn Machine) -> Vec<Finding> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            measures,
            level,
            existing: false,
            acts: false,
            limit: LIMIT,
            run: Box::new(run),
        }
    }

    /// The same, about what is there already.
    pub(super) fn of_existing(self) -> Self {
        Self { existing: true, ..self }
    }

    /// The same, that acts on the machine.
    pub(super) fn acting(self) -> Self {
        Self { acts: true, ..self }
    }

    /// The same, with another limit.
    pub(super) fn within(self, seconds: u64) -> Self {
        Self { limit: Duration::from_secs(seconds), ..self }
    }

    /// Measures. Findings bear the check's name and are no worse than its level.
    pub(super) fn run(&self, settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
        let mut findings = (self.run)(settings, machine);
        for finding in &mut findings {
            finding.check.clone_from(&self.name);
            finding.severity = finding.severity.min(self.level);
        }
        findings
    }

    /// What to say where it did not end in time.
    pub(super) fn overdue(&self) -> Finding {
        Finding {
            check: self.name.clone(),
            ..Finding::warning(format!(
                "the check did not end within {} s, so nothing is known: {}",
                self.limit.as_secs(),
                self.measures
            ))
        }
    }
}
