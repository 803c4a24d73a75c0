//! Joins of a worker and of a control plane, each of a fresh machine to a fresh cluster.

use std::fs;
use std::path::Path;

use anyhow::bail;
use serde::{Deserialize, Serialize};

use super::live::{Timed, alternate, phases, prepared, tell_phases};
use super::measure::{Run, run};
use super::report::{Measured, Report};
use e2e::node::Node;
use e2e::plan::Plan;
use e2e::{
    Neighbour, Programs, as_worker, command_to_join, init_to_join, is_control_plane, is_discoverable,
    is_node, say,
};

/// How much of kubeadm's time and memory is allowed.
const WORKER: f64 = 0.8;
const CONTROL_PLANE: f64 = 0.5;
const MEMORY: f64 = 0.5;
/// How many workers join at once, and how much of the time is allowed that the slowest of kubeadm's takes.
const CROWD: u8 = 20;
const SLOWEST: f64 = 1.0;
/// How many inotify instances their kubelets and runtimes need, of the kernel that they share.
const INSTANCES: (&str, u32) = ("/proc/sys/fs/inotify/max_user_instances", 1024);

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
    let (theirs, ours) = alternate::<Joins>(&plan, "joins", "bench-joins", pairs)?;
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
    compare_crowds(&plan, pairs, report)
}

/// Compares workers that join at once, alternating: the slowest of each crowd counts.
fn compare_crowds(plan: &Plan, pairs: u16, report: &mut Report) -> anyhow::Result<()> {
    let (theirs, ours) = alternate::<Run>(plan, &format!("{CROWD} workers"), "bench-crowd", pairs)?;
    report.section(&format!("join of {CROWD} workers at once, {pairs} pairs"));
    let of = |value: fn(&Run) -> f64| (Measured::of(&theirs, value), Measured::of(&ours, value));
    let (kubeadm, kubestrap) = of(|r| r.seconds);
    report.seconds("the slowest", kubeadm, kubestrap, SLOWEST);
    let (kubeadm, kubestrap) = of(|r| r.processor);
    report.unlimited("processor time, mean", kubeadm, kubestrap);
    let (kubeadm, kubestrap) = of(|r| r.memory);
    report.memory("peak memory, most", kubeadm, kubestrap, MEMORY);
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
    is_discoverable(&node)?;
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

/// The job: `program` joins workers to this fresh cluster, all at once.
///
/// # Errors
/// When one of them fails, or does not become a node.
pub(super) fn crowd(plan: Plan, words: &[&str]) -> anyhow::Result<()> {
    let [program] = words else { bail!("one program is measured at a time") };
    let (limit, needed) = INSTANCES;
    if fs::read_to_string(limit)?.trim().parse::<u32>()? < needed {
        bail!(
            "{CROWD} kubelets need more inotify instances: `sysctl -w fs.inotify.max_user_instances={needed}`"
        );
    }
    let node = Node::fresh(plan, "kubestrap")?;
    let join = as_worker(&init_to_join(&node, true)?);
    is_discoverable(&node)?;
    let workers: Vec<_> =
        (1..=CROWD).map(|number| Neighbour::new(&node, number)).collect::<anyhow::Result<_>>()?;
    let commands: Vec<_> = workers
        .iter()
        .map(|worker| command_to_join(worker, program, &join))
        .collect::<anyhow::Result<_>>()?;
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let running: Vec<_> = commands
            .into_iter()
            .map(|mut command| scope.spawn(move || anyhow::Ok(run(&mut command)?.0)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
            .collect::<anyhow::Result<_>>()
    })?;
    for worker in &workers {
        is_node(&node, worker)?;
    }
    let most = |value: fn(&Run) -> f64| runs.iter().map(value).fold(0.0, f64::max);
    let processor = runs.iter().map(|r| r.processor).sum::<f64>() / f64::from(CROWD);
    let slowest = Run { seconds: most(|r| r.seconds), processor, memory: most(|r| r.memory) };
    say::line(serde_json::to_string(&slowest)?);
    Ok(())
}
