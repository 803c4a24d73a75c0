//! Joins of a worker and of a control plane, each of a fresh machine to a fresh cluster.

use std::fs;
use std::path::Path;

use anyhow::bail;
use serde::{Deserialize, Serialize};

use super::live::{Timed, job, phases, prepared, tell_phases};
use super::measure::{Run, run};
use super::report::{Measured, Report};
use e2e::node::Node;
use e2e::plan::Plan;
use e2e::{Neighbour, Programs, as_worker, command_to_join, init_to_join, is_control_plane, say};

/// How much of kubeadm's time and memory is allowed.
const WORKER: f64 = 0.8;
const CONTROL_PLANE: f64 = 0.5;
const MEMORY: f64 = 0.5;

/// What the job reports.
#[derive(Debug, Serialize, Deserialize)]
struct Joins {
    worker: Timed,
    control_plane: Timed,
}

/// Compares joins, alternating.
///
/// # Errors
/// When one of them fails.
pub(super) fn compare(
    programs: &Programs,
    kubeadm: &Path,
    pairs: u16,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (plan, _work) = prepared(programs, kubeadm)?;
    let (mut theirs, mut ours) = (vec![], vec![]);
    for number in 1..=pairs {
        say::note(format_args!("joins: pair {number} of {pairs}"));
        theirs.push(job::<Joins>(&plan, &["bench-joins", "kubeadm"])?);
        ours.push(job::<Joins>(&plan, &["bench-joins", "kubestrap"])?);
    }
    let mut section = |name: &str, limit, of: fn(&Joins) -> &Timed| {
        let [theirs, ours] = [&theirs, &ours].map(|joins| joins.iter().map(of).collect::<Vec<_>>());
        let measured = |value: fn(&Run) -> f64| {
            let of = |joins: &[&Timed]| Measured::of(&joins.iter().map(|j| j.run).collect::<Vec<_>>(), value);
            (of(&theirs), of(&ours))
        };
        report.section(&format!("join of a {name}, {pairs} pairs"));
        let (kubeadm, kubestrap) = measured(|r| r.seconds);
        report.seconds("wall time", kubeadm, kubestrap, limit);
        let (kubeadm, kubestrap) = measured(|r| r.processor);
        report.unlimited("processor time", kubeadm, kubestrap);
        let (kubeadm, kubestrap) = measured(|r| r.memory);
        report.memory("peak memory", kubeadm, kubestrap, MEMORY);
        tell_phases(report, ours.iter().map(|join| &join.phases));
    };
    section("worker", WORKER, |joins| &joins.worker);
    section("control plane", CONTROL_PLANE, |joins| &joins.control_plane);
    Ok(())
}

/// The job: `program` joins a worker and a control plane to this fresh cluster.
///
/// # Errors
/// When one of them fails, or does not become a node.
pub(super) fn joins(plan: Plan, words: &[&str]) -> anyhow::Result<()> {
    let [program] = words else { bail!("one program is measured at a time") };
    let node = Node::fresh(plan, "kubestrap")?;
    let join = init_to_join(&node, true)?;
    let (worker, control_plane) = (Neighbour::new(&node, 1)?, Neighbour::new(&node, 2)?);
    let measured = |machine: &Neighbour<'_>, join: &[String]| -> anyhow::Result<Timed> {
        let mut command = command_to_join(machine, program, join)?;
        if *program == "kubestrap" {
            command.args(["--output", "json"]);
        }
        let (run, stdout) = run(&mut command)?;
        fs::write(format!("/e2e/logs/{}-output", machine.name()), &stdout)?;
        Ok(Timed { run, phases: phases(&stdout) })
    };
    let worker = measured(&worker, &as_worker(&join))?;
    let joins = Joins { worker, control_plane: measured(&control_plane, &join)? };
    is_control_plane(&node, &control_plane)?;
    say::line(serde_json::to_string(&joins)?);
    Ok(())
}
