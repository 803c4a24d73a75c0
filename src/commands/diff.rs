//! `diff`: what init would change.

use std::time::Duration;

use serde_json::{Value, json};

use super::init::{self, Request};
use crate::cluster::{self, Recorder, cluster_admins};
use crate::config::Resolved;
use crate::diff::{FileChange, unified};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::host::{Host, RealHost};
use crate::output::{Format, Printer};
use crate::pki::KeyPool;
use crate::preflight::{Options, Subject, run_checks};
use crate::workflow::{Changes, Seams, Selection, is_within, machine};
use crate::workflows;

const AREA: &str = "diff";
/// How long the API server may take to answer: without it, files are compared all the same.
const PATIENCE: Duration = Duration::from_secs(1);
/// Phases that say nothing about what exists: checks and waits, what is new each time, and the closing message.
const LEFT_OUT: [&str; 4] = ["preflight", "wait-control-plane", "upload-certs", "show-join-command"];

/// What was found.
struct Found {
    changes: Changes,
    /// Why init would stop, and where.
    refused: Vec<Finding>,
    /// Why the cluster's objects were not compared; none if they were.
    not_compared: Option<String>,
}

/// Compares, prints, and tells by the exit status whether there is a difference.
///
/// # Errors
/// When it can't be told; the exit status is 2 then, as diff(1) has it.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let found = find(request, &out.quiet()).and_then(|found| found.tell(out));
    found.map_err(|error| error.with_status(ExitStatus::Usage))
}

fn find(request: &Request, out: &Printer) -> Result<Found, Error> {
    let workflow = workflows::init::workflow();
    let (mut resolved, selection) = init::resolve(request, None, false, &workflow, out)?;
    forget_generated_tokens(&mut resolved);
    let settings = &mut resolved.settings;
    settings.node.timeouts.kubernetes_api = PATIENCE;
    // Who may not look at the manifests can't compare.
    RealHost::new().list(&settings.node.paths.manifests)?;
    let options = Options { existing_only: true, ..Options::default() };
    let report = run_checks(&Subject::init(settings), machine(settings)?, &options);
    let mut refused: Vec<Finding> = report.of(Severity::Error).cloned().collect();

    let host = RealHost::new();
    let way = init::kubeconfig(request, settings);
    let mut cluster = cluster::of_node(settings, request.kubeconfig.clone(), PATIENCE, true)?;
    let not_compared = if host.exists(&way) {
        cluster.get("ConfigMap", "kube-system", "kubeadm-config").err().map(|e| e.to_string())
    } else {
        Some(format!("{} does not exist", way.display()))
    };
    if not_compared.is_some() {
        cluster = Box::new(Recorder::default());
    }
    let keys = KeyPool::start(settings.cluster.algorithm, workflow.keys_needed(&selection, settings, &host));
    let seams = Seams::dry(settings, None, 0)?.seams.with_cluster(cluster).with_keys(keys);
    let mut state = init::state(resolved, seams, request, out);
    if let Err(error) = cluster_admins().map_err(Into::into).and_then(|o| state.run.apply(o)) {
        refused.push(of_phase("admin", &error));
    }
    // Each by itself: what stops one need not hide what another would change.
    for id in workflow.leaves() {
        if LEFT_OUT.iter().any(|outer| is_within(&id, outer)) || selection.skips(&id) {
            continue;
        }
        let only = Selection { only: Some(id.clone()), skip: vec![] };
        if let Err(error) = workflow.run(&only, &mut state) {
            refused.push(of_phase(&id, &error));
        }
    }
    let mut changes = state.run.changes;
    if not_compared.is_some() {
        changes.objects.clear();
    }
    Ok(Found { changes, refused, not_compared })
}

/// What stopped a phase.
fn of_phase(id: &str, error: &Error) -> Finding {
    let message = error.message.strip_prefix(&format!("{id}: ")).unwrap_or(&error.message);
    Finding { check: id.to_owned(), ..Finding::error(message) }
}

/// Removes tokens that nobody gave: comparing random ones says nothing.
fn forget_generated_tokens(resolved: &mut Resolved) {
    let generated = std::mem::take(&mut resolved.generated_tokens);
    let mut index = 0;
    resolved.init.bootstrap_tokens.retain(|_| {
        index += 1;
        !generated.contains(&(index - 1))
    });
}

impl Found {
    /// The exit status: done where there is no difference.
    fn verdict(&self) -> ExitStatus {
        match (self.refused.is_empty(), self.changes.is_empty()) {
            (false, _) => ExitStatus::Preflight,
            (true, false) => ExitStatus::Failed,
            (true, true) => ExitStatus::Done,
        }
    }

    /// Prints what was found; returns the exit status.
    fn tell(&self, out: &Printer) -> Result<ExitStatus, Error> {
        let verdict = self.verdict();
        match out.format() {
            Format::Text => self.summary(out),
            Format::Json => {}
        }
        out.result(self.data(verdict.code())?, &self.text()?);
        Ok(verdict)
    }

    /// Name, kind of change and unified diff of every object that would change.
    fn objects(&self) -> Result<Vec<(String, &'static str, String)>, Error> {
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

    fn text(&self) -> Result<String, Error> {
        let files = self.changes.files.iter().map(FileChange::unified);
        Ok(files.chain(self.objects()?.into_iter().map(|(_, _, diff)| diff)).collect())
    }

    fn data(&self, code: u8) -> Result<Value, Error> {
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

    /// The summary of the differences, for people.
    fn summary(&self, out: &Printer) {
        let Changes { files, kept, objects, restarted, .. } = &self.changes;
        if !kept.is_empty() {
            out.log(AREA, format!("{} would stay as they are", count(kept.len(), "file")));
        }
        match &self.not_compared {
            Some(why) => {
                out.log(AREA, format!("Could not compare the cluster's objects: {why}"));
                out.log(AREA, format!("{} would be created or changed", count(files.len(), "file")));
            }
            None => out.log(
                AREA,
                format!(
                    "{} and {} would be created or changed",
                    count(files.len(), "file"),
                    count(objects.len(), "object")
                ),
            ),
        }
        for service in restarted {
            out.log(AREA, format!("{service} would be started or restarted"));
        }
        if !self.refused.is_empty() {
            out.log(AREA, "init would be refused:");
            out.findings(AREA, &self.refused);
        }
    }
}

/// `1 file`, `2 files`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
