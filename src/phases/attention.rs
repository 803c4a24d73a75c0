//! Looks for causes while a run waits for something.

use std::time::{Duration, Instant, SystemTime};

use crate::diagnose::rules::NOT_REQUESTED;
use crate::diagnose::{Diagnosis, Evidence, Judge, Place, diagnose, diagnose_absent_node, gather};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::health::{Snapshot, Stage};
use crate::host;
use crate::workflow::Run;

/// How long something may be wrong until causes are looked for; that starts programs, which slow down the components.
const CALM: Duration = Duration::from_millis(2500);
/// How long there may be no progress until causes are looked for: kube-apiserver takes two or three seconds to answer.
const STILL: Duration = Duration::from_secs(4);
/// How often to look for causes while something is wrong.
const PERIOD: Duration = Duration::from_secs(1);
/// A look takes at most one part of so many of the time: on a busy machine, looking is what keeps it busy.
const SHARE: u32 = 10;
/// How long between two questions to kubelet and the runtime; on a slow machine, as long as they take.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How far back kubelet's log counts where this run did not start kubelet.
const RECENT: Duration = Duration::from_secs(60);

/// Tells when waiting can't succeed.
pub(super) struct Attention {
    judge: Judge,
    since: SystemTime,
    progress: usize,
    moved: Instant,
    /// When every Pod had a container last.
    pods: Instant,
    /// When kubelet was healthy last.
    kubelet: Instant,
    /// When to look for causes again.
    next: Option<Instant>,
}

impl Attention {
    /// From now on.
    pub(super) fn new(run: &Run) -> Self {
        Self {
            judge: Judge::default(),
            since: run.kubelet_started.unwrap_or_else(|| host::ago(RECENT)),
            progress: 0,
            moved: Instant::now(),
            pods: Instant::now(),
            kubelet: Instant::now(),
            next: None,
        }
    }

    /// The causes, once they prove that waiting can't succeed.
    pub(super) fn hopeless(&mut self, run: &Run, snapshot: &Snapshot) -> Option<Vec<Finding>> {
        if let Some(finding) = removed(run, snapshot) {
            return Some(vec![finding]);
        }
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
        let wrong = snapshot.runtime.is_some()
            || now.duration_since(self.pods) > 2 * CALM
            || snapshot.components.values().any(|c| c.ended.is_some())
            || now.duration_since(self.kubelet) > CALM;
        if !wrong && now.duration_since(self.moved) < STILL || self.next.is_some_and(|next| now < next) {
            return None;
        }
        let diagnoses = self.diagnose(run, snapshot);
        self.next = Some(now + PERIOD.max(now.elapsed() * SHARE));
        self.judge.gives_up(&diagnoses, &progress, now).then(|| findings(diagnoses))
    }

    /// Every known cause, proven or not.
    pub(super) fn causes(&self, run: &Run, snapshot: &Snapshot) -> Vec<Finding> {
        findings(self.diagnose(run, snapshot))
    }

    fn diagnose(&self, run: &Run, snapshot: &Snapshot) -> Vec<Diagnosis> {
        // What preflight measured is outdated: kubelet and the components run now.
        run.machine.forget();
        let evidence: Evidence = gather(snapshot, &*run.host, self.since);
        diagnose(&evidence, &Place::of(&run.settings), Some(&*run.machine))
    }
}

/// A component whose manifest went away after the wait for it began: kubelet will not start it, and nothing else says so.
fn removed(run: &Run, snapshot: &Snapshot) -> Option<Finding> {
    let folder = &run.settings.node.paths.manifests;
    let mut manifests = snapshot.components.keys().map(|component| folder.join(component.file()));
    let manifest = manifests.find(|manifest| !run.host.exists(manifest))?;
    let what = format!("{} was removed while it was waited for", manifest.display());
    let finding = Finding { check: "ManifestRemoved".into(), ..Finding::error(what) };
    Some(
        finding
            .cause("something on this machine takes files out of the manifest folder: another bootstrap tool, or a configuration management")
            .fix("find out what removes it, then run the same command again, which writes it"),
    )
}

/// Rests after questions that took so long.
pub(super) fn rest(took: Duration) {
    std::thread::sleep(took.clamp(PAUSE, LONGEST_PAUSE));
}

/// Why the Node is missing, though the API server is healthy, as far as what kubelet logged since then tells.
pub(super) fn absent_node(run: &Run, since: SystemTime) -> Vec<Finding> {
    run.machine.forget();
    let evidence = gather(&Snapshot::default(), &*run.host, since);
    findings(diagnose_absent_node(&evidence, &Place::of(&run.settings), &*run.machine))
}

/// Why kubelet's request for its client certificate was refused, as far as what it logged since then tells.
pub(super) fn refused_request(run: &Run, since: SystemTime) -> Option<Finding> {
    let evidence = gather(&Snapshot::default(), &*run.host, since);
    let found = diagnose(&evidence, &Place::of(&run.settings), None);
    findings(found).into_iter().find(|finding| finding.check == NOT_REQUESTED)
}

fn findings(diagnoses: Vec<Diagnosis>) -> Vec<Finding> {
    diagnoses.into_iter().map(|d| d.finding).collect()
}

/// The error of a node that does not become healthy, with its causes told.
pub(super) fn unhealthy(run: &Run, what: &str, findings: Vec<Finding>) -> Error {
    run.findings(&findings);
    let root = findings.first().map(|f| format!(": {}", f.what)).unwrap_or_default();
    let message = format!("{what}{root}\n  fix it and run the same command again: completed steps are kept");
    Error::new(ExitStatus::Unhealthy, message).with_findings(findings)
}
