//! Kubernetes' own conformance tests, `test/e2e` in its source, on a cluster of ours.

use std::fs::{self, File};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::conformance_left_out::LEFT_OUT;
use super::join::{as_worker, init_with, joined};
use super::kubeadm_suite::POD_SUBNET;
use crate::cluster;
use crate::command;
use crate::config::Config;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node, PATIENCE};
use crate::test_images;
use crate::wait::eventually;

/// The program with the tests.
pub(super) const PROGRAM: &str = test_images::PROGRAM;
/// It runs the tests in several processes; without it, they run one by one.
const RUNNER: &str = "ginkgo";
/// Most tests wait most of the time. Those that need the cluster for themselves run last, one by one.
const PROCESSES: &str = "--procs=14";
/// Where the machine keeps what they print.
const LOG: &str = "/e2e/logs/conformance.log";
/// Which tests are conformance tests.
const FOCUS: &str = r"\[Conformance\]";
/// Which cluster is tested, of no cloud's, whose machines they can't fetch logs from.
const CLUSTER: [&str; 4] = ["--kubeconfig", ADMIN, "--provider=skeleton", "--disable-log-dump"];
/// One test asks for two nodes that take any Pod.
const NO_TAINTS: &str = "nodeRegistration: {taints: []}\n";

/// All of them pass on a control plane and a worker, except for those in [`LEFT_OUT`].
pub(super) fn all(node: &Node) -> anyhow::Result<()> {
    ensure!(!node.plan.cni.is_empty(), "Pods need a network: --cni-dir");
    for program in ["agnhost", "busybox"] {
        ensure!(node.plan.has(program), "an image is made of {program}, which --bin-dir does not have");
    }
    let config = Config { init: NO_TAINTS.to_owned(), ..Config::cluster(POD_SUBNET) };
    let join = init_with(node, config)?;
    let worker = Neighbour::new(node, 1)?;
    joined(node, &worker, "kubestrap", &as_worker(&join))?;
    eventually("CoreDNS is ready", PATIENCE, || {
        let pods = node.get(&["--namespace", "kube-system", "pods", "--selector", "k8s-app=kube-dns"])?;
        let pods = pods.pointer("/items").and_then(Value::as_array).context("kubectl gives no list")?;
        ensure!(!pods.is_empty(), "there is no Pod of it");
        pods.iter().try_for_each(cluster::is_ready)
    })?;

    let all = ["--ginkgo.dry-run", "--ginkgo.no-color", "--ginkgo.focus", FOCUS];
    let known = node.run_command(Command::new(PROGRAM).args(all).args(CLUSTER))?;
    let (known, _) = ran(&known.success()?.stdout)?;
    let ended =
        test_command(node).stdout(File::create(LOG)?).status().context("the tests can't be started")?;
    let said = fs::read_to_string(LOG)?;
    ensure!(ended.success(), "some tests failed:\n{}", failures(&said));
    let (passed, line) = ran(&said)?;
    node.note(line);
    node.note(format!("{} of {known} conformance tests left out", known.saturating_sub(passed)));
    Ok(())
}

/// The command that runs them.
fn test_command(node: &Node) -> Command {
    let (mut command, prefix) = if node.plan.has(RUNNER) {
        let mut command = Command::new(RUNNER);
        command.args([PROCESSES, "--silence-skips"]);
        (command, "--")
    } else {
        (Command::new(PROGRAM), "--ginkgo.")
    };
    command.arg(format!("{prefix}no-color")).arg(format!("{prefix}timeout=4h"));
    command.arg(format!("{prefix}focus={FOCUS}"));
    command.args(LEFT_OUT.iter().map(|row| format!("{prefix}skip={}", row.pattern)));
    if node.plan.has(RUNNER) {
        command.arg(command::find(PROGRAM).unwrap_or_default()).arg("--");
    }
    command.args(CLUSTER);
    command
}

/// How many tests ran, and the line that says so.
fn ran(said: &str) -> anyhow::Result<(usize, &str)> {
    let line = said.lines().find(|line| line.starts_with("Ran ")).context("no test was run")?;
    let count = line.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok((count.with_context(|| format!("it says: {line}"))?, line))
}

/// The summary of the failed tests, at the end of what they print.
fn failures(said: &str) -> &str {
    said.rfind("Summarizing ").and_then(|start| said.get(start..)).unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_and_the_failures_are_found() {
        let said = "• [FAILED] [2.1 seconds]\nSummarizing 1 Failure:\n  [FAIL] Pods should run\n\n\
                    Ran 3 of 7906 Specs in 2.000 seconds\nFAIL! -- 2 Passed | 1 Failed\n";
        assert_eq!(ran(said).unwrap(), (3, "Ran 3 of 7906 Specs in 2.000 seconds"));
        assert!(failures(said).starts_with("Summarizing 1 Failure:\n  [FAIL] Pods should run\n"));
        assert!(ran("nothing").is_err());
    }
}
