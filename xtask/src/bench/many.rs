//! Commands before and after there is much of everything: tokens, Nodes, files, static Pods and logs.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::live::{job, prepared};
use super::measure::{Run, run_to_end};
use super::report::{Measured, Report};
use e2e::node::Node;
use e2e::plan::Plan;
use e2e::{Programs, init_to_join, say};

const TOKENS: usize = 5000;
const NODES: usize = 5000;
const FILES: usize = 200;
const PODS: usize = 200;
const LOGS: usize = 400;
/// The size of each container's log, in bytes.
const LOG: u64 = 1 << 30;
/// How many files `kubectl` makes objects of at the same time.
const AT_ONCE: usize = 8;
/// The memory that each command may take beside much of everything, in bytes.
const MEMORY: f64 = 150e6;
/// The seconds that each may take.
const TIME: f64 = 5.0;

/// A command, and the exit codes with which it has done its work: a Node without a network is not ready.
const COMMANDS: &[(&str, &[&str], &[i32])] = &[
    ("token list", &["token", "list"], &[0]),
    ("nodes", &["nodes"], &[0, 4]),
    ("check-expiration", &["certs", "check-expiration"], &[0]),
    ("diagnose", &["diagnose"], &[0, 4]),
];

/// What the job reports: each command's run with few and with many.
#[derive(Debug, Serialize, Deserialize)]
struct Grown {
    name: String,
    few: Run,
    many: Run,
}

/// Tells the figures with few and with many.
///
/// # Errors
/// When a command fails.
pub(super) fn tell(programs: &Programs, kubeadm: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (plan, _work) = prepared(programs, kubeadm)?;
    let grown: Vec<Grown> = job(&plan, &["bench-many"])?;
    report.section_of(
        &format!("with {TOKENS} tokens, {NODES} Nodes, {FILES} files in the PKI, {PODS} static Pods, {LOGS} logs of 1 GiB"),
        ["few", "many"],
    );
    for Grown { name, few, many } in &grown {
        let of = |run: &Run, value: fn(&Run) -> f64| Measured::of(&[*run], value);
        report.at_most(&format!("{name}: time"), of(few, |r| r.seconds), of(many, |r| r.seconds), TIME, "s");
        let memory = |r: &Run| r.memory;
        report.at_most(&format!("{name}: memory"), of(few, memory), of(many, memory), MEMORY, "MB");
    }
    Ok(())
}

/// The job: runs the commands on a fresh control plane, has everything grow, and runs them again.
///
/// # Errors
/// When one of them fails.
pub(super) fn many(plan: Plan, _words: &[&str]) -> anyhow::Result<()> {
    let node = Node::fresh(plan, "kubestrap")?;
    init_to_join(&node, false)?;
    let few = measured()?;
    grow(&node)?;
    let many = measured()?;
    let rows = COMMANDS.iter().zip(few.into_iter().zip(many));
    let grown: Vec<Grown> =
        rows.map(|((name, ..), (few, many))| Grown { name: (*name).to_owned(), few, many }).collect();
    say::line(serde_json::to_string(&grown)?);
    Ok(())
}

fn measured() -> anyhow::Result<Vec<Run>> {
    let one = |(_, args, codes): &(&str, &[&str], &[i32])| {
        let (run, ended) = run_to_end(Command::new("kubestrap").args(*args))?;
        ensure!(ended.code.is_some_and(|code| codes.contains(&code)), "{args:?}: {}", ended.said);
        Ok(run)
    };
    COMMANDS.iter().map(one).collect()
}

/// Makes much of everything. kubelet is stopped before: it would start the static Pods.
fn grow(node: &Node) -> anyhow::Result<()> {
    create("tokens", TOKENS, |number| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": { "name": format!("bootstrap-token-{number:06x}"), "namespace": "kube-system" },
            "stringData": {
                "token-id": format!("{number:06x}"), "token-secret": format!("{number:016x}"),
                "usage-bootstrap-signing": "true", "expiration": "2099-01-01T00:00:00Z",
            },
        })
    })?;
    create("nodes", NODES, |number| {
        // As long as what a kubelet writes.
        let text = "x".repeat(4096);
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": format!("many-{number:05}"), "annotations": { "example.com/text": text } },
        })
    })?;
    let pki = Path::new("/etc/kubernetes/pki");
    for number in 0..FILES {
        fs::copy(pki.join("apiserver.crt"), pki.join(format!("many-{number}.crt")))?;
    }
    node.run("systemctl", &["stop", "kubelet"])?.success()?;
    for number in 0..PODS {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": format!("many-{number}"), "namespace": "kube-system" },
            "spec": { "containers": [{ "name": "one", "image": "example.com/one:1" }] },
        });
        fs::write(format!("/etc/kubernetes/manifests/many-{number}.yaml"), pod.to_string())?;
    }
    for number in 0..LOGS {
        let dir = format!("/var/log/pods/kube-system_many-{number}_{number:08}/one");
        fs::create_dir_all(&dir)?;
        let mut log = File::create(format!("{dir}/0.log"))?;
        // A hole, and what was said last.
        log.seek(SeekFrom::Start(LOG))?;
        for second in 0..100 {
            writeln!(
                log,
                "2026-01-01T00:00:{:02}.000000000Z stderr F E0101 nothing of note {second}",
                second % 60
            )?;
        }
    }
    Ok(())
}

/// Makes `count` objects by several programs at once.
fn create(name: &str, count: usize, object: impl Fn(usize) -> Value) -> anyhow::Result<()> {
    let mut running: Vec<Child> = vec![];
    let numbers: Vec<usize> = (0..count).collect();
    for (part, numbers) in numbers.chunks(count.div_ceil(AT_ONCE)).enumerate() {
        let items: Vec<Value> = numbers.iter().map(|number| object(*number)).collect();
        let file = format!("/var/lib/{name}-{part}.json");
        fs::write(&file, json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())?;
        let args = ["--kubeconfig", "/etc/kubernetes/admin.conf", "create", "--output", "name", "-f", &file];
        let log = File::create(format!("/e2e/logs/{name}-{part}.log"))?;
        let child = Command::new("kubectl").args(args).stdout(log).spawn();
        running.push(child.context("kubectl can't be started")?);
    }
    for mut child in running {
        if !child.wait()?.success() {
            bail!("kubectl does not create the {name}");
        }
    }
    Ok(())
}
