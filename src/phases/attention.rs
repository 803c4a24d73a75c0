//! Looking for causes while something is awaited.

use std::time::{Duration, Instant, SystemTime};

use super::context::InitContext;
use super::phase::{Failure, PhaseError};
use crate::diagnose::{Diagnosis, Evidence, Judge, Place, diagnose, diagnose_absent_node, gather};
use crate::finding::Finding;
use crate::health::{Snapshot, Stage};

/// How long something may be amiss until it is looked at; a look starts programs, which would slow down what comes up.
const CALM: Duration = Duration::from_millis(2500);
/// How long all may stand still until it is looked at: kube-apiserver alone takes two or three seconds to answer.
const STILL: Duration = Duration::from_secs(4);
/// How often to look when something is amiss.
const PERIOD: Duration = Duration::from_secs(1);
/// How far back kubelet's log counts where this run did not start kubelet.
const RECENT: Duration = Duration::from_secs(60);

/// Watches for what is proven to go wrong.
pub(super) struct Attention {
    judge: Judge,
    since: SystemTime,
    progress: usize,
    moved: Instant,
    /// When every Pod had a container last.
    pods: Instant,
    /// When kubelet was healthy last.
    kubelet: Instant,
    looked: Option<Instant>,
}

impl Attention {
    /// From now on.
    pub(super) fn new(context: &InitContext) -> Self {
        let recently = SystemTime::now().checked_sub(RECENT).unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            judge: Judge::default(),
            since: context.kubelet_started.unwrap_or(recently),
            progress: 0,
            moved: Instant::now(),
            pods: Instant::now(),
            kubelet: Instant::now(),
            looked: None,
        }
    }

    /// The causes, once they prove that waiting is in vain.
    pub(super) fn hopeless(&mut self, context: &InitContext, snapshot: &Snapshot) -> Option<Vec<Finding>> {
        let now = Instant::now();
        let progress = snapshot.progress();
        let total = progress.values().sum();
        if total > self.progress {
            (self.progress, self.moved) = (total, now);
        }
        if snapshot.kubelet.is_none() {
            self.kubelet = now;
        }
        if snapshot.components.values().all(|c| c.stage > Stage::Sandbox) {
            self.pods = now;
        }
        let amiss = snapshot.runtime.is_some()
            || now.duration_since(self.pods) > 2 * CALM
            || snapshot.components.values().any(|c| c.ended.is_some())
            || now.duration_since(self.kubelet) > CALM;
        if !amiss && now.duration_since(self.moved) < STILL
            || self.looked.is_some_and(|looked| now.duration_since(looked) < PERIOD)
        {
            return None;
        }
        self.looked = Some(now);
        let diagnoses = self.diagnose(context, snapshot);
        self.judge.gives_up(&diagnoses, &progress, now).then(|| findings(diagnoses))
    }

    /// All that is known, proven or not.
    pub(super) fn causes(&self, context: &InitContext, snapshot: &Snapshot) -> Vec<Finding> {
        findings(self.diagnose(context, snapshot))
    }

    fn diagnose(&self, context: &InitContext, snapshot: &Snapshot) -> Vec<Diagnosis> {
        // What preflight measured is over: kubelet and the components run now.
        context.machine.forget();
        let evidence: Evidence = gather(snapshot, &*context.host, self.since);
        diagnose(&evidence, &Place::of(&context.settings), Some(&*context.machine))
    }
}

/// Why the Node is missing, though the API server is healthy, as far as what kubelet logged since then tells.
pub(super) fn absent_node(context: &InitContext, since: SystemTime) -> Vec<Finding> {
    context.machine.forget();
    let evidence = gather(&Snapshot::default(), &*context.host, since);
    findings(diagnose_absent_node(&evidence, &Place::of(&context.settings), &*context.machine))
}

fn findings(diagnoses: Vec<Diagnosis>) -> Vec<Finding> {
    diagnoses.into_iter().map(|d| d.finding).collect()
}

/// The error of a control plane that does not become healthy, with its causes told.
pub(super) fn unhealthy(context: &InitContext, area: &str, what: &str, findings: Vec<Finding>) -> PhaseError {
    context.out.findings(area, &findings);
    let root = findings.first().map(|f| format!(": {}", f.what)).unwrap_or_default();
    let message =
        format!("{what}{root}\n  when it is mended, run the same command again: what is done is kept");
    PhaseError::new(Failure::Unhealthy, message).with_findings(findings)
}
