//! Upgrades of one control plane from the minor before, each on a fresh machine, while the API server is asked.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};

use super::live::{Timed, alternate, phases, prepared, tell_phases};
use super::measure::{Run, run};
use super::report::{Measured, Report};
use e2e::node::Node;
use e2e::plan::Plan;
use e2e::{Asking, Programs, cluster, control_plane_of_minor_before, say, upgrade_checks};

/// How much of kubeadm's time, of its time without an API server, and of its memory is allowed.
const TIME: f64 = 0.3;
const OUTAGE: f64 = 0.2;
const MEMORY: f64 = 0.5;

/// What the job reports.
#[derive(Debug, Serialize, Deserialize)]
struct Upgraded {
    apply: Timed,
    /// For how many seconds the API server did not answer, in all.
    outage: f64,
}

/// Compares upgrades, alternating.
///
/// # Errors
/// When one of them fails, or there is nothing to upgrade from.
pub(super) fn compare(
    programs: &Programs,
    kubeadm: &Path,
    pairs: u16,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (plan, _work) = prepared(programs, kubeadm)?;
    let (theirs, ours) = alternate::<Upgraded>(&plan, "upgrades", "bench-upgrade", pairs)?;
    report.section(&format!("upgrade apply, one control plane, {pairs} pairs"));
    let measured = |value: fn(&Run) -> f64| {
        let of = |all: &[Upgraded]| Measured::of(&all.iter().map(|u| u.apply.run).collect::<Vec<_>>(), value);
        (of(&theirs), of(&ours))
    };
    let (kubeadm, kubestrap) = measured(|r| r.seconds);
    report.seconds("wall time", kubeadm, kubestrap, TIME);
    let outage = |all: &[Upgraded]| {
        let runs: Vec<Run> = all.iter().map(|u| Run { seconds: u.outage, ..Run::default() }).collect();
        Measured::of(&runs, |r| r.seconds)
    };
    report.seconds("without an API server", outage(&theirs), outage(&ours), OUTAGE);
    let (kubeadm, kubestrap) = measured(|r| r.processor);
    report.unlimited("processor time", kubeadm, kubestrap);
    let (kubeadm, kubestrap) = measured(|r| r.memory);
    report.memory("peak memory", kubeadm, kubestrap, MEMORY);
    tell_phases(report, ours.iter().map(|upgraded| &upgraded.apply.phases));
    Ok(())
}

/// The job: `program` upgrades a control plane of the minor before, which kubestrap made.
///
/// # Errors
/// When it fails, or leaves no healthy control plane of the new version.
pub(super) fn upgrade(plan: Plan, words: &[&str]) -> anyhow::Result<()> {
    let [program] = words else { bail!("one program is measured at a time") };
    let node = Node::fresh(plan, "kubestrap")?;
    control_plane_of_minor_before(&node)?;
    let target = node.plan.version().to_owned();
    let checks = upgrade_checks(&node);
    let mut command = Command::new(program);
    command.args(["upgrade", "apply", &target, "--yes", &checks]);
    if *program == "kubestrap" {
        command.args(["--output", "json"]);
    }
    let asking = Asking::start()?;
    std::thread::sleep(Duration::from_secs(1));
    let (run, stdout) = run(&mut command)?;
    let asked = asking.stop()?;
    fs::write("/e2e/logs/upgrade-output", &stdout)?;
    cluster::healthy(&node)?;
    let stored = node.kubectl(&["-n", "kube-system", "get", "configmap", "kubeadm-config", "-o", "yaml"])?;
    ensure!(stored.contains(&format!("kubernetesVersion: {target}")), "the cluster stores {stored}");
    let outage = asked.gaps.iter().map(Duration::as_secs_f64).sum();
    let upgraded = Upgraded { apply: Timed { run, phases: phases(&stdout) }, outage };
    say::line(serde_json::to_string(&upgraded)?);
    Ok(())
}
