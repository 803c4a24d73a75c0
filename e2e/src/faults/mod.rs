//! `cargo e2e --faults`: what init says of machines and configurations that are broken, one by one.
//!
//! A fault is a row ([`fault::Fault`]) in the file of its group. Each gets a fresh node ([`scene::Scene`]), is broken,
//! and `init -o json` is judged ([`verdict::Verdict`]) by how it ends, how soon, and whether one of its statements
//! names the cause and gives the fix.

mod components;
mod containerd;
mod crio;
mod disks;
mod etcd;
mod evidence;
mod fault;
mod files;
mod images;
mod kubelet;
mod machine;
mod midway;
mod network;
mod patches;
mod pki;
mod ports;
mod scene;
mod verdict;

use std::path::Path;

use anyhow::{Context, bail};

use super::images as cluster_images;
use super::node::Node;
use super::plan::Plan;
use super::runtime::Runtime;
use crate::{command, machine as machines, say};
use fault::Fault;
use scene::Scene;
use verdict::Verdict;

/// Shows all of them.
pub(crate) fn list(runtime: Runtime) {
    for fault in fault::all(runtime) {
        say::line(format_args!("{:<30} {}", fault.name, fault.what));
    }
}

/// Whether there is a fault of this name.
pub(crate) fn is_known(runtime: Runtime, name: &str) -> bool {
    fault::find(runtime, name).is_some()
}

/// Runs those of `names`, or all; whether all passed. Evidence goes below `record`, if that is given. With `again`, what
/// init says is judged a second time when it is run again with nothing mended, as tools do that try several times.
///
/// # Errors
/// When a machine can't be made.
pub(crate) fn run(plan: &Plan, names: &[String], record: Option<&Path>, again: bool) -> anyhow::Result<bool> {
    let chosen: Vec<&Fault> =
        fault::all(plan.runtime).filter(|f| names.is_empty() || names.iter().any(|n| n == f.name)).collect();
    let mut verdicts = vec![];
    for fault in &chosen {
        let how = match record {
            Some(_) => "record",
            None if again => "again",
            None => "judge",
        };
        let request = plan.request(fault.name, &["fault", fault.name, how]);
        let finished = machines::launch(&request, || cluster_images::copy_to(plan, &request.dir), || Ok(()))?;
        if !finished.ok {
            say::line(format_args!(
                "{:<30} could not be tried:\n    {}",
                fault.name,
                finished.stderr.trim_end()
            ));
            continue;
        }
        let verdict: Verdict = serde_json::from_str(finished.stdout.trim())
            .with_context(|| format!("{} left no verdict: {:?}", fault.name, finished.stdout))?;
        show(fault, &verdict);
        if !verdict.passed() {
            let said = command::tail(&verdict.said.join("\n"), 40).replace('\n', "\n    | ");
            say::line(format_args!("    logs: {}\n    | {said}", request.logs.display()));
        }
        if let Some(folder) = record {
            evidence::keep(&request.logs, folder, fault.name)?;
        }
        verdicts.push(verdict);
    }
    if chosen.is_empty() {
        bail!("no fault was tried");
    }
    total(&verdicts, chosen.len());
    Ok(verdicts.len() == chosen.len() && verdicts.iter().all(Verdict::passed))
}

fn show(fault: &Fault, verdict: &Verdict) {
    let code = verdict.code.map_or("none".to_owned(), |c| c.to_string());
    let yes = |b: bool| if b { "yes" } else { "NO" };
    say::line(format_args!(
        "{:<30} {:<6} exit {code:<4} {:5.1} s  cause named {:<3}  fix given {}",
        fault.name,
        if verdict.passed() { "ok" } else { "FAILED" },
        verdict.seconds,
        yes(verdict.cause),
        yes(verdict.fix)
    ));
}

fn total(verdicts: &[Verdict], tried: usize) {
    let count = |of: fn(&Verdict) -> bool| verdicts.iter().filter(|v| of(v)).count();
    let slowest = verdicts.iter().map(|v| v.seconds).fold(0.0, f64::max);
    say::line(format_args!(
        "{} of {tried} faults passed: cause named {}, fix given {}, exit code right {}, in time {} (slowest {slowest:.1} s)",
        count(Verdict::passed),
        count(|v| v.cause),
        count(|v| v.fix),
        count(|v| v.code_is_right),
        count(Verdict::in_time),
    ));
}

/// The job in the machine: breaks it, runs init, prints the verdict.
///
/// # Errors
/// When the fault can't be made, or init not be started.
pub(crate) fn try_one(plan: Plan, name: &str, how: &str) -> anyhow::Result<()> {
    let (runtime, record) = (plan.runtime, how == "record");
    let fault = fault::find(runtime, name).context("no such fault")?;
    let node = Node::fresh(plan, "kubestrap")?;
    let mut scene = Scene::new(&node)?;
    (fault.breaks)(&mut scene).context("the fault can't be made")?;
    if record && !scene.config.init.contains("timeouts") {
        // Time enough for what fails to fail for good.
        scene.init("timeouts: {controlPlaneComponentHealthCheck: 16s, kubeletHealthCheck: 16s}");
    }
    let mut verdict = Verdict::of(fault, &scene.run()?);
    if how == "again" && verdict.passed() {
        // A second try that comes to a healthy control plane has mended it, and need not say more.
        let second = Verdict::of(fault, &scene.run()?);
        if second.code != Some(0) {
            verdict = second;
        }
    }
    if record && verdict.code.is_none_or(|c| c == 4) {
        evidence::record(runtime)?;
    }
    if !verdict.passed() {
        node.keep_pod_logs();
    }
    say::line(serde_json::to_string(&verdict)?);
    Ok(())
}
