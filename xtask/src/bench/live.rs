//! Whole inits, each on a fresh node, and the floor below which none can get.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::measure::{Run, median, run};
use super::report::{Measured, Report};
use e2e::command::check;
use e2e::config::Config;
use e2e::json::at;
use e2e::machine::{self, Network, keeper};
use e2e::node::{CONFIG, Node};
use e2e::plan::Plan;
use e2e::say;
use e2e::{Programs, cluster, images, prepare};

/// How much of kubeadm's time, of the floor, and of kubeadm's memory is allowed.
const OF_KUBEADM: f64 = 0.75;
const OF_FLOOR: f64 = 1.35;
const MEMORY: f64 = 0.5;

/// What a job reports of a program's run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Timed {
    pub(super) run: Run,
    /// Seconds by phase, where the program tells.
    pub(super) phases: BTreeMap<String, f64>,
}

/// Compares whole inits, alternating: kubeadm, kubestrap, floor.
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
    let (mut theirs, mut ours, mut floors) = (vec![], vec![], vec![]);
    for number in 1..=pairs {
        say::note(format_args!("pair {number} of {pairs}"));
        theirs.push(job::<Timed>(&plan, &["bench-init", "kubeadm"])?.run);
        ours.push(job::<Timed>(&plan, &["bench-init", "kubestrap"])?);
        floors.push(job::<Run>(&plan, &["bench-floor"])?);
    }
    let runs: Vec<Run> = ours.iter().map(|init| init.run).collect();
    report.section(&format!("init, {pairs} pairs"));
    let seconds = |runs: &[Run]| Measured::of(runs, |r| r.seconds);
    report.seconds("wall time", seconds(&theirs), seconds(&runs), OF_KUBEADM);
    let processor = |runs: &[Run]| Measured::of(runs, |r| r.processor);
    report.unlimited("processor time", processor(&theirs), processor(&runs));
    report.memory(
        "peak memory",
        Measured::of(&theirs, |r| r.memory),
        Measured::of(&runs, |r| r.memory),
        MEMORY,
    );
    report.seconds("against the floor", seconds(&floors), seconds(&runs), OF_FLOOR);
    tell_phases(report, ours.iter().map(|init| &init.phases));
    Ok(())
}

/// The plan of machines that have the kubeadm to compare with.
pub(super) fn prepared(programs: &Programs, kubeadm: &Path) -> anyhow::Result<(Plan, impl Sized + use<>)> {
    let (mut plan, work) = prepare(programs)?;
    plan.programs.retain(|(name, _)| name != "kubeadm");
    plan.programs.push(("kubeadm".to_owned(), kubeadm.to_owned()));
    plan.publish()?;
    Ok((plan, work))
}

/// The phases' medians, the longest first.
pub(super) fn tell_phases<'a>(report: &Report, runs: impl Iterator<Item = &'a BTreeMap<String, f64>>) {
    let mut phases: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (phase, took) in runs.flatten() {
        phases.entry(phase).or_default().push(*took);
    }
    let mut medians: Vec<(&str, f64)> = phases.into_iter().map(|(phase, all)| (phase, median(all))).collect();
    medians.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (phase, took) in medians.iter().filter(|(_, took)| *took >= 0.005) {
        report.figure(phase, &format!("{took:.3} s"));
    }
}

pub(super) fn job<T: serde::de::DeserializeOwned>(plan: &Plan, words: &[&str]) -> anyhow::Result<T> {
    let request = plan.request(&words.join("-"), words);
    let finished = machine::launch(&request, || images::copy_to(plan, &request.dir), || Ok(()))?;
    keeper::still_wanted()?;
    if !finished.ok {
        bail!("{}:\n{}", words.join(" "), finished.stderr.trim_end());
    }
    serde_json::from_str(&finished.stdout)
        .with_context(|| format!("{} reports {:?}", words.join(" "), finished.stdout))
}

/// Runs the job `name`, which `what` calls, by kubeadm and by kubestrap, alternating; gives what they report.
///
/// # Errors
/// When one of them fails.
pub(super) fn alternate<T: serde::de::DeserializeOwned>(
    plan: &Plan,
    what: &str,
    name: &str,
    pairs: u16,
) -> anyhow::Result<(Vec<T>, Vec<T>)> {
    let (mut theirs, mut ours) = (vec![], vec![]);
    for number in 1..=pairs {
        say::note(format_args!("{what}: pair {number} of {pairs}"));
        theirs.push(job(plan, &[name, "kubeadm"])?);
        ours.push(job(plan, &[name, "kubestrap"])?);
    }
    Ok((theirs, ours))
}

/// The job: `init` of `program` on this fresh node.
///
/// # Errors
/// When it fails, or leaves no healthy cluster.
pub(super) fn init(plan: Plan, words: &[&str]) -> anyhow::Result<()> {
    let [program] = words else { bail!("one program is measured at a time") };
    let node = Node::fresh(plan, program)?;
    let ignored = node.prepare_init(&Config::default())?;
    let mut command = Command::new(program);
    command.args(["init", "--config", CONFIG, &ignored]);
    if *program == "kubestrap" {
        command.args(["--output", "json"]);
    }
    let (run, stdout) = run(&mut command)?;
    fs::write("/e2e/logs/init-output", &stdout)?;
    cluster::healthy(&node)?;
    say::line(serde_json::to_string(&Timed { run, phases: phases(&stdout) })?);
    Ok(())
}

/// The seconds by phase from the events in `stdout`.
pub(super) fn phases(stdout: &str) -> BTreeMap<String, f64> {
    let events = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| at(event, "/event") == "phase")
        .filter_map(|event| {
            Some((at(&event, "/phase").as_str()?.to_owned(), at(&event, "/seconds").as_f64()?))
        })
        .collect()
}

/// The job: with every file in place, kubelet is started; how long until kube-apiserver says that it lives.
///
/// # Errors
/// When it never does.
pub(super) fn floor(plan: Plan, _words: &[&str]) -> anyhow::Result<()> {
    let node = Node::fresh(plan, "kubestrap")?;
    node.prepare_init(&Config::default())?;
    let made = "/var/lib/floor";
    node.kubestrap(&["init", "--dry-run", "--dry-run-dir", made, "--config", CONFIG])?;
    for folder in ["etc/kubernetes", "var/lib/kubelet"] {
        let to = Path::new("/").join(folder);
        fs::create_dir_all(&to)?;
        check("cp", &["--archive", &format!("{made}/{folder}/."), &to.display().to_string()])?;
    }
    fs::create_dir_all("/var/lib/etcd")?;
    let start = Instant::now();
    check("systemctl", &["start", "kubelet"])?;
    let url = format!("https://{}:6443/livez", Network::alone().address);
    while check("curl", &["--insecure", "--silent", "--fail", "--max-time", "1", &url]).is_err() {
        if start.elapsed() > Duration::from_secs(120) {
            bail!("kube-apiserver does not say that it lives");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    say::line(serde_json::to_string(&Run { seconds: start.elapsed().as_secs_f64(), ..Run::default() })?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_taken_from_the_events() {
        let stdout = "{\"event\":\"phase\",\"phase\":\"certs/ca\",\"status\":\"started\"}\n\
                      {\"event\":\"phase\",\"phase\":\"certs/ca\",\"status\":\"done\",\"seconds\":0.25}\nno JSON\n\
                      {\"event\":\"log\",\"text\":\"x\"}\n";
        assert_eq!(phases(stdout), BTreeMap::from([("certs/ca".to_owned(), 0.25)]));
    }
}
