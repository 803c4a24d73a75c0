//! `diff`: what init would change.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::init::{Init, keys_needed, machine};
use super::{as_result, live};
use crate::cluster::{Recorder, cluster_admins};
use crate::config::Settings;
use crate::diff::{FileChange, unified};
use crate::finding::{Finding, Severity};
use crate::health::DryWatch;
use crate::host::{DryRunHost, Host, RealHost};
use crate::output::{Format, Printer};
use crate::phases::runner::{self, Selection};
use crate::phases::{self, Changes, Failure, InitContext, InitOptions, NoPull, PhaseError, Seams};
use crate::pki::KeyPool;
use crate::preflight::{Before, Options, run_checks};

const AREA: &str = "diff";
/// How long the API server may take to answer: where it does not, files are compared all the same.
const PATIENCE: Duration = Duration::from_secs(1);
/// Phases that say nothing about what is there: checks and waits, what is new each time, and the closing words.
const LEFT_OUT: [&str; 4] = ["preflight", "wait-control-plane", "upload-certs", "show-join-command"];

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 nothing would change, 1 something would, 2 it can't be told (usage, configuration, a file or object that can't be read), 3 init would be refused.\n\nFiles that say the same in another style of YAML are no difference, so it works on what kubeadm made. Join tokens that the configuration does not name are not compared: init makes a new one when the last has ended.\n\nExamples:\n  kubestrap diff --config kubeadm.yaml\n  kubestrap diff --pod-network-cidr 10.244.0.0/16 -o json"
)]
pub(super) struct Diff {
    #[command(flatten)]
    init: Init,
}

/// What was found.
struct Found {
    changes: Changes,
    /// Why init would stop, and where.
    refused: Vec<Finding>,
    /// Why the cluster's objects were not compared; none if they were.
    not_compared: Option<String>,
}

impl Diff {
    /// Compares, prints, and tells by the exit code.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        let out = self.init.output.printer();
        match self.find(&out.quiet()).and_then(|found| found.tell(&out)) {
            Ok(None) => Ok(()),
            Ok(Some(verdict)) => Err(PhaseError::new(verdict, "")),
            // diff(1): 2 is trouble, and 1 already means that there is a difference.
            Err(error) => as_result(&out, Err(PhaseError { failure: Failure::Usage, ..error })),
        }
    }

    fn find(&self, out: &Printer) -> Result<Found, PhaseError> {
        let mut settings = self.init.settings(out)?;
        let selection = self.init.selection(None, &settings)?;
        super::init::skip_disabled_addons(&mut settings, &selection);
        forget_generated_tokens(&mut settings);
        settings.timeouts.kubernetes_api = PATIENCE;
        // One who may not look at what is there can't compare.
        RealHost::new().list(&settings.paths.manifests)?;
        let options = Options { existing_only: true, ..Options::default() };
        let machine = machine(&settings)?;
        let report = run_checks(&settings, Arc::clone(&machine), &options);
        let mut refused: Vec<Finding> = report.of(Severity::Error).cloned().collect();

        let host = DryRunHost::new(None)?;
        let keys = KeyPool::start(settings.algorithm, keys_needed(&settings, &host, &selection));
        let way = self.init.kubeconfig().unwrap_or_else(|| settings.paths.kubeconfig("admin.conf"));
        let mut cluster = live::cluster(&settings, self.init.kubeconfig(), PATIENCE, true)?;
        let not_compared = if host.exists(&way) {
            cluster.get("ConfigMap", "kube-system", "kubeadm-config").err().map(|e| e.to_string())
        } else {
            Some(format!("there is no {} to reach it with", way.display()))
        };
        if not_compared.is_some() {
            cluster = Box::new(Recorder::default());
        }
        let seams = Seams {
            host: Arc::new(host),
            cluster,
            checks: Box::new(Before(Arc::clone(&machine))),
            machine,
            images: Box::new(NoPull),
            watch: Box::new(DryWatch::default()),
        };
        let mut context = InitContext::new(settings, seams, out.clone(), InitOptions::default(), keys);
        if let Err(error) = cluster_admins().map_err(Into::into).and_then(|o| context.apply(AREA, o)) {
            refused.push(of_phase("admin", &error));
        }
        // Each by itself: what stands in the way of one need not hide what another would change.
        let table = phases::init();
        for id in runner::leaves(&table) {
            let skipped = |outer: &str| id == outer || id.starts_with(&format!("{outer}/"));
            if LEFT_OUT.iter().any(|o| skipped(o)) || selection.skip.iter().any(|s| skipped(s)) {
                continue;
            }
            let only = Selection { only: Some(id.clone()), skip: vec![] };
            if let Err(error) = runner::run(&table, &only, &mut context, out) {
                refused.push(of_phase(&id, &error));
            }
        }
        let mut changes = context.changes;
        if not_compared.is_some() {
            changes.objects.clear();
        }
        Ok(Found { changes, refused, not_compared })
    }
}

/// What kept a phase from its work.
fn of_phase(id: &str, error: &PhaseError) -> Finding {
    let message = error.message.strip_prefix(&format!("{id}: ")).unwrap_or(&error.message);
    Finding { check: id.to_owned(), ..Finding::error(message) }
}

/// A token that nobody named is made up: what would be compared is only chance.
fn forget_generated_tokens(settings: &mut Settings) {
    let generated = std::mem::take(&mut settings.generated_tokens);
    let mut index = 0;
    settings.init.bootstrap_tokens.retain(|_| {
        index += 1;
        !generated.contains(&(index - 1))
    });
}

impl Found {
    /// What the exit code is to say; none where there is no difference.
    fn verdict(&self) -> Option<Failure> {
        match (self.refused.is_empty(), self.changes.is_empty()) {
            (false, _) => Some(Failure::Preflight),
            (true, false) => Some(Failure::Failed),
            (true, true) => None,
        }
    }

    /// Prints what was found; what the exit code is to say.
    fn tell(&self, out: &Printer) -> Result<Option<Failure>, PhaseError> {
        let verdict = self.verdict();
        match out.format() {
            Format::Text => self.summary(out),
            Format::Json => {}
        }
        out.result(self.data(verdict.map_or(0, Failure::exit_code))?, &self.text()?);
        Ok(verdict)
    }

    /// Name, kind of change and unified diff of every object that would change.
    fn objects(&self) -> Result<Vec<(String, &'static str, String)>, PhaseError> {
        let changes = self.changes.objects.iter().map(|change| {
            let (before, after) = change.texts()?;
            let (kind, before) = match change.before {
                None => ("created", None),
                Some(_) => ("changed", Some(before)),
            };
            let name = change.object.to_string();
            let diff = unified(&name, before.as_deref(), &after);
            Ok((name, kind, diff))
        });
        changes.collect()
    }

    fn text(&self) -> Result<String, PhaseError> {
        let files = self.changes.files.iter().map(FileChange::unified);
        Ok(files.chain(self.objects()?.into_iter().map(|(_, _, diff)| diff)).collect())
    }

    fn data(&self, code: u8) -> Result<Value, PhaseError> {
        let files = self.changes.files.iter().map(|f| {
            let change = if f.replaces() { "changed" } else { "created" };
            json!({ "path": f.path, "change": change, "diff": f.unified() })
        });
        let objects = self.objects()?;
        let objects = objects
            .into_iter()
            .map(|(name, change, diff)| json!({ "name": name, "change": change, "diff": diff }));
        Ok(json!({
            "ok": self.refused.is_empty(),
            "exitCode": code,
            "differences": !self.changes.is_empty(),
            "files": files.collect::<Vec<_>>(),
            "kept": self.changes.kept,
            "objects": objects.collect::<Vec<_>>(),
            "objectsCompared": self.not_compared.is_none(),
            "objectsNotComparedBecause": self.not_compared,
            "restarted": self.changes.restarted,
            "refused": self.refused,
        }))
    }

    /// What stands beside the differences, for people.
    fn summary(&self, out: &Printer) {
        let Changes { files, kept, objects, restarted } = &self.changes;
        if !kept.is_empty() {
            out.log(AREA, format!("{} files stay as they are", kept.len()));
        }
        match &self.not_compared {
            Some(why) => {
                out.log(AREA, format!("The cluster's objects were not compared: {why}"));
                out.log(AREA, format!("{} files would be made or changed", files.len()));
            }
            None => out.log(
                AREA,
                format!("{} files and {} objects would be made or changed", files.len(), objects.len()),
            ),
        }
        for service in restarted {
            out.log(AREA, format!("{service} would be started, or started anew"));
        }
        if !self.refused.is_empty() {
            out.log(AREA, "init would be refused:");
            out.findings(AREA, &self.refused);
        }
    }
}
