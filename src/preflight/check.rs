//! A row of the table: one check, the roles that it is for, and what it needs to know.

use std::time::Duration;

use super::outcome::Outcome;
use super::recording::Recording;
use super::subject::{Role, Subject};
use crate::config::{NodeSettings, Settings};
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;

/// How long a check may take unless its row says otherwise: far more than any needs on a machine that responds.
const LIMIT: Duration = Duration::from_secs(10);

type OnNode = Box<dyn Fn(&NodeSettings, &dyn Machine) -> Outcome + Send + Sync>;
type OnCluster = Box<dyn Fn(&Settings, &dyn Machine) -> Outcome + Send + Sync>;

enum Measure {
    /// Needs this node's settings alone: in a join it runs before the cluster is discovered.
    Node(OnNode),
    /// Needs the cluster's settings.
    Cluster(OnCluster),
}

/// One check.
pub(super) struct Check {
    /// Its name, kubeadm's where kubeadm has it, as `--ignore-preflight-errors` takes it in any case.
    pub(super) name: String,
    /// What it measures, in a few words.
    pub(super) measures: &'static str,
    /// Findings are at most this severe.
    level: Severity,
    roles: &'static [Role],
    /// It looks at what an earlier run, or another cluster, left on the machine.
    pub(super) existing: bool,
    /// It briefly changes the machine, and so has no place in a dry run.
    pub(super) acts: bool,
    /// How long it may take.
    pub(super) limit: Duration,
    measure: Measure,
}

impl Check {
    /// A check that needs this node's settings alone.
    pub(super) fn node<O: Into<Outcome>>(
        roles: &'static [Role],
        name: impl Into<String>,
        level: Severity,
        measures: &'static str,
        run: impl Fn(&NodeSettings, &dyn Machine) -> O + Send + Sync + 'static,
    ) -> Self {
        let measure = Measure::Node(Box::new(move |node, machine| run(node, machine).into()));
        Self::new(roles, name.into(), level, measures, measure)
    }

    /// A check that needs the cluster's settings.
    pub(super) fn cluster<O: Into<Outcome>>(
        roles: &'static [Role],
        name: impl Into<String>,
        level: Severity,
        measures: &'static str,
        run: impl Fn(&Settings, &dyn Machine) -> O + Send + Sync + 'static,
    ) -> Self {
        let measure = Measure::Cluster(Box::new(move |settings, machine| run(settings, machine).into()));
        Self::new(roles, name.into(), level, measures, measure)
    }

    fn new(
        roles: &'static [Role],
        name: String,
        level: Severity,
        measures: &'static str,
        measure: Measure,
    ) -> Self {
        Self { name, measures, level, roles, existing: false, acts: false, limit: LIMIT, measure }
    }

    /// The same, about what is already on the machine.
    pub(super) fn of_existing(self) -> Self {
        Self { existing: true, ..self }
    }

    /// The same, briefly changing the machine.
    pub(super) fn acting(self) -> Self {
        Self { acts: true, ..self }
    }

    /// The same, with another limit.
    pub(super) fn within(self, seconds: u64) -> Self {
        Self { limit: Duration::from_secs(seconds), ..self }
    }

    /// Whether it is to run for a subject.
    pub(super) fn is_for(&self, subject: &Subject) -> bool {
        let has_what_it_needs = match self.measure {
            Measure::Node(_) => subject.runs_node_checks(),
            Measure::Cluster(_) => subject.settings().is_some(),
        };
        self.roles.contains(&subject.role()) && has_what_it_needs
    }

    /// Measures. Findings bear the check's name and are at most as severe as its level.
    pub(super) fn run(&self, subject: &Subject, machine: &dyn Machine) -> Outcome {
        let asked = Recording::new(machine);
        let mut outcome = match (&self.measure, subject.settings()) {
            (Measure::Node(run), _) => run(subject.node(), &asked),
            (Measure::Cluster(run), Some(settings)) => run(settings, &asked),
            (Measure::Cluster(_), None) => Outcome::default(),
        };
        outcome.unmeasured.extend(asked.failed());
        for finding in &mut outcome.findings {
            finding.check.clone_from(&self.name);
            finding.severity = finding.severity.min(self.level);
        }
        outcome
    }

    /// What to say of a check that did not end in time.
    pub(super) fn overdue(&self) -> Finding {
        let limit = self.limit.as_secs();
        let what = format!("could not check {}: no result within {limit} s", self.measures);
        Finding { check: self.name.clone(), ..Finding::warning(what) }
    }
}
