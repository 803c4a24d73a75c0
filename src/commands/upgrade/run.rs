//! Runs one of upgrade's workflows, for real or as a dry run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::context::Context;
use crate::cluster::{Cluster, ClusterObject, ReadOnly, Recorder};
use crate::commands::dry_run;
use crate::commands::this_node::{ForVersion, ThisNode, Wishes};
use crate::config::KubernetesVersion;
use crate::error::Error;
use crate::host::{DryRunHost, RealHost, remove_all_leftovers};
use crate::output::Printer;
use crate::phases::preflight::await_sandbox_removal;
use crate::pki::KeyPool;
use crate::preflight::Beside;
use crate::workflow::{DryRun, Run, Seams, Selection, Workflow, machine};
use crate::workflows::upgrade::journal::Journal;
use crate::workflows::upgrade::outlook::{self, Given, Outlook};
use crate::workflows::upgrade::probe::{Job, NoJob, Probe};
use crate::workflows::upgrade::{Options, Upgrade};

/// One step from the cluster's version to the next.
pub(super) struct Step<'a> {
    /// The workflow.
    pub(super) workflow: &'a Workflow<Upgrade>,
    /// Its phases that run.
    pub(super) selection: &'a Selection,
    /// The version to upgrade to.
    pub(super) target: KubernetesVersion,
    /// What was read.
    pub(super) context: Context,
    /// What of the configuration reaches the settings.
    pub(super) wishes: Wishes,
    /// What the user asked for.
    pub(super) options: Options,
    /// What an interrupted run has begun.
    pub(super) journal: Option<Journal>,
}

/// What became of a step.
pub(super) struct Done {
    /// For machines.
    pub(super) data: Map<String, Value>,
    /// Whether anything was changed.
    pub(super) changed: bool,
    /// The state at its end.
    pub(super) upgrade: Upgrade,
}

impl Step<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// When a phase fails.
    pub(super) fn run(self, out: &Printer) -> Result<Done, Error> {
        let start = Instant::now();
        remove_all_leftovers(ThisNode::folders());
        let (workflow, selection) = (self.workflow, self.selection);
        let (prepared, mut cluster, outlook) = self.prepare(true, out)?;
        let settings = &prepared.settings;
        cluster.outlast(settings.node.timeouts.kubernetes_api);
        let seams = Seams::real(settings, None, 0)?.with_cluster(cluster);
        let mut upgrade = prepared.state(seams, outlook, Box::new(Job), out);
        if selection.only.is_none() {
            upgrade.run.check_patches()?;
        }
        let ran = workflow.run(selection, &mut upgrade);
        let restarted = upgrade.run.await_restart();
        let ran = ran?;
        restarted?;
        await_sandbox_removal(&upgrade.run);
        let seconds = |d: std::time::Duration| json!((d.as_secs_f64() * 1000.0).round() / 1000.0);
        let durations: Map<String, Value> = ran.iter().map(|r| (r.id.clone(), seconds(r.took))).collect();
        let changed = !upgrade.run.changes.is_empty();
        let mut data = Map::new();
        data.insert("ok".into(), json!(true));
        data.insert("changed".into(), json!(changed));
        data.insert("version".into(), json!(upgrade.target().to_string()));
        data.insert("seconds".into(), seconds(start.elapsed()));
        data.insert("phases".into(), Value::Object(durations));
        Ok(Done { data, changed, upgrade })
    }

    /// Prints what it would do, and leaves the result in `dir` if that is given.
    ///
    /// # Errors
    /// When a phase fails.
    pub(super) fn dry_run(self, dir: Option<PathBuf>, out: &Printer) -> Result<(), Error> {
        let (workflow, selection) = (self.workflow, self.selection);
        let Dry { mut upgrade, host, recorder, checks } = self.dry_state(dir, out)?;
        if selection.only.is_none() {
            upgrade.run.check_patches()?;
        }
        let result = workflow.run(selection, &mut upgrade);
        let mut objects = recorder.objects();
        objects.iter_mut().for_each(spell_out);
        let result = result.and_then(|_| dry_run::report(&host, &objects, out));
        out.findings("preflight", &checks.found().findings);
        result
    }

    /// The state of a dry run, with what is asked of it at its end.
    pub(super) fn dry_state(mut self, dir: Option<PathBuf>, out: &Printer) -> Result<Dry, Error> {
        // An interrupted run is gone on with, or back, only for real.
        self.journal = None;
        let (prepared, cluster, outlook) = self.prepare(false, out)?;
        let DryRun { seams, host, recorder, checks } = Seams::dry(&prepared.settings, dir, 0)?;
        // Nobody keeps what a dry run signs.
        let seams = seams.with_keys(KeyPool::stand_in(prepared.settings.cluster.algorithm, 1));
        let seams = seams.with_cluster(Box::new(ReadOnly::new(cluster, recorder.clone())));
        Ok(Dry { upgrade: prepared.state(seams, outlook, Box::new(NoJob), out), host, recorder, checks })
    }

    /// What is known before the first phase; with `trial` the API server is asked what it would refuse.
    fn prepare(self, trial: bool, out: &Printer) -> Result<(Prepared, Box<dyn Cluster>, Outlook), Error> {
        let Context { mut cluster, stored, survey, current, node } = self.context;
        let ForVersion { settings, lost_gates } = node.settings(&stored, &self.target, &self.wishes, out)?;
        let before = node.settings(&stored, &current, &self.wishes, &out.quiet());
        let mut outlook = Outlook::default();
        // Where the version that runs is not one that we know, nothing can be compared with it.
        if let Ok(before) = before {
            let given = Given {
                before: before.settings,
                after: settings.clone(),
                lost_gates,
                stored_text: stored.text.clone(),
                survey: survey.clone(),
                etcd_upgrade: self.options.etcd_upgrade,
                renewal: self.options.certificate_renewal,
                trial,
            };
            let machine = machine(&settings)?;
            let (evidence, back) = outlook::gather(given, cluster, &RealHost::new(), &*machine);
            cluster = back;
            outlook = Outlook::of(&evidence, &self.wishes.ignored);
        }
        let prepared = Prepared {
            settings,
            options: self.options,
            current,
            survey,
            control_plane: node.is_control_plane(),
            journal: self.journal,
            stored_text: stored.text,
        };
        Ok((prepared, cluster, outlook))
    }
}

/// Spells out what kubeadm's dry run of an upgrade does, which shows its own text of kube-proxy's DaemonSet, where that
/// of `init` shows the object. To the API it is the same, so nothing else writes it.
fn spell_out(object: &mut ClusterObject) {
    if object.kind() != "DaemonSet" || object.name() != "kube-proxy" {
        return;
    }
    let containers = object.value.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut);
    let mounts = containers.into_iter().flatten().filter_map(|c| c.get_mut("volumeMounts")?.as_array_mut());
    for mount in mounts.flatten().filter_map(Value::as_object_mut) {
        if mount.get("name").is_some_and(|name| name == "xtables-lock") {
            mount.entry("readOnly").or_insert(json!(false));
        }
    }
}

/// A dry run at its beginning, with what is asked at its end.
pub(super) struct Dry {
    /// The state.
    pub(super) upgrade: Upgrade,
    /// Holds the files that would be written.
    host: Arc<DryRunHost>,
    /// Holds the objects that would be applied.
    recorder: Recorder,
    /// The checks, which run beside the work.
    checks: Beside,
}

/// Everything of the state but the seams.
struct Prepared {
    settings: crate::config::Settings,
    options: Options,
    current: KubernetesVersion,
    survey: crate::workflows::upgrade::survey::Survey,
    control_plane: bool,
    journal: Option<Journal>,
    stored_text: String,
}

impl Prepared {
    fn state(self, seams: Seams, outlook: Outlook, probe: Box<dyn Probe>, out: &Printer) -> Upgrade {
        Upgrade {
            run: Run::new(self.settings, seams, out.clone(), false),
            options: self.options,
            current: self.current,
            survey: self.survey,
            control_plane: self.control_plane,
            outlook,
            journal: self.journal,
            stored_text: self.stored_text,
            probe: Some(probe),
        }
    }
}
