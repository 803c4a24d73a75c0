//! A control plane that is looked after: the command that the timer starts.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::join::{at_once, init_behind_balancer, is_control_plane, joined};
use crate::asking::{Asked, Asking};
use crate::balancer::Balancer;
use crate::cluster;
use crate::command::{Output, check};
use crate::config::Config;
use crate::json::at;
use crate::kill::{When, killed};
use crate::machine::NODE_NAME;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node, PATIENCE};
use crate::wait::eventually;

const SERVICE: &str = "/etc/systemd/system/kubestrap-care.service";
const METRICS: &str = "/var/lib/node_exporter/textfile_collector";
const KUBERNETES: &str = "/etc/kubernetes";
/// A copy of admin.conf, whose certificate lasts.
const COPY: &str = "/root/copy.conf";
/// The Lease by which one node at a time is touched.
const LEASE: &str = "kubestrap-care";
/// So short that, as they begin five minutes before they are made, less than a third is left.
const SHORT: &str = "certificateValidityPeriod: 2m20s";
/// Those that read their certificate once, when they start.
const RESTARTED: [&str; 2] = ["kube-controller-manager", "kube-scheduler"];
/// Where kube-controller-manager listens.
const MANAGER_PORT: u16 = 10257;
/// Longer than a run takes, of which some are killed.
const LONGEST: Duration = Duration::from_secs(6);

/// On one control plane: renewed under load, killed on the way, a disk without room, a component that does not come back,
/// another node's turn.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    check("mount", &["--mkdir", "-t", "tmpfs", "-o", "size=64m", "tmpfs", KUBERNETES])?;
    node.init()?;
    cluster::healthy(node)?;
    fs::copy(ADMIN, COPY)?;
    fs::create_dir_all(METRICS)?;
    node.kubestrap(&["care", "enable", "--restart-timeout", "20s"])?;
    let care = Care { node, words: command_of_service()? };

    let before = cluster::containers(node)?;
    let idle = care.done()?;
    ensure!(at(&idle, "/report/renewed") == &json!([]), "something was renewed: {idle}");
    ensure!(at(&idle, "/report/snapshot").is_string(), "no snapshot: {idle}");
    ensure!(cluster::containers(node)? == before, "something was restarted although nothing was due");

    renewed(&care)?;
    interrupted(&care)?;
    full_disk(&care)?;
    stays_away(&care)?;
    other_turn(&care)?;
    node.kubestrap(&["care", "status"])?;
    node.kubestrap(&["care", "disable"])?;
    ensure!(!Path::new(SERVICE).exists(), "{SERVICE} is left");
    cluster::healthy(node)
}

/// The API answers all the time; what reads its certificate once is restarted; it is told where it can be seen.
fn renewed(care: &Care) -> anyhow::Result<()> {
    care.shorten()?;
    let asking = Asking::with(|_| Ok(fs::read_to_string(COPY)?))?;
    std::thread::sleep(Duration::from_secs(1));
    let output = care.run(&[])?.success()?;
    let asked = asking.stop()?;
    let result = last(&output)?;
    let renewed = at(&result, "/report/renewed").as_array().map_or(0, Vec::len);
    care.node.note(format!("{renewed} renewed in {:.1} s", output.elapsed.as_secs_f64()));
    none_failed(care.node, asked)?;
    ensure!(renewed >= 10, "only {renewed} certificates were renewed: {result}");
    ensure!(at(&result, "/report/restarted") == &json!(RESTARTED), "restarted: {result}");
    cluster::healthy(care.node)?;
    care.metric("kubestrap_care_success 1")?;
    let selector =
        format!("involvedObject.kind=Node,involvedObject.name={NODE_NAME},reason=CertificatesCaredFor");
    let events = care.node.get(&["events", "--field-selector", &selector])?;
    ensure!(at(&events, "/items/0/message").is_string(), "there is no Event on the Node");
    care.node.kubestrap(&["care", "status"]).map(drop)
}

/// Killed at moments spread over its course: the next run completes it, and then nothing is due.
fn interrupted(care: &Care) -> anyhow::Result<()> {
    let kills = u32::from(care.node.plan.kills);
    let mut died = 0;
    for moment in 1..=kills {
        care.shorten()?;
        let after = LONGEST * moment / (kills + 1);
        let context = || format!("killed after {:.2} s", after.as_secs_f64());
        let words: Vec<&str> = care.words.iter().skip(1).map(String::as_str).collect();
        died += u32::from(killed(care.node, &words, When::After(after))?);
        care.done().with_context(context)?;
        let result = care.done().with_context(context)?;
        let left = [at(&result, "/report/renewed"), at(&result, "/report/restarted")];
        ensure!(left == [&json!([]), &json!([])], "{}: a third run had something to do: {result}", context());
        cluster::healthy(care.node).with_context(context)?;
    }
    ensure!(died > 0, "no run was still at work when it was killed");
    care.node.note(format!("{died} of {kills} runs killed"));
    Ok(())
}

/// What can't be written stays as it was, and is told; with room again, the next run does it.
fn full_disk(care: &Care) -> anyhow::Result<()> {
    care.shorten()?;
    let before = certificate()?;
    let filler = format!("{KUBERNETES}/filler");
    // Until there is no room.
    let _ = check("dd", &["if=/dev/zero", &format!("of={filler}"), "bs=4k"]);
    let failed = care.run(&[])?;
    fs::remove_file(&filler)?;
    ensure!(failed.code == Some(1), "without room it ends with {:?}", failed.code);
    let result = last(&failed)?;
    let told = at(&result, "/report/failures").to_string();
    ensure!(told.contains("apiserver") && told.to_lowercase().contains("space"), "it tells: {told}");
    ensure!(certificate()? == before, "apiserver.crt was changed on a disk without room");
    care.metric("kubestrap_care_success 0")?;
    let status = care.node.run(&care.node.init, &["care", "status"])?;
    ensure!(status.code == Some(1), "status ends with {:?} after a run that failed", status.code);
    care.done().context("with room again")?;
    ensure!(certificate()? != before, "apiserver.crt is still the old one");
    cluster::healthy(care.node)
}

/// It stops there, says why, and leaves the others.
fn stays_away(care: &Care) -> anyhow::Result<()> {
    care.shorten()?;
    // The process, not the mirror Pod's status, which is late.
    let scheduler_runs = || care.node.processes("kube-scheduler");
    let before = scheduler_runs();
    ensure!(!before.is_empty(), "kube-scheduler does not run");
    let scheduler = fs::read(format!("{KUBERNETES}/scheduler.conf"))?;
    let failed = with_port_taken(MANAGER_PORT, || care.run(&[]))?;
    care.node.note(format!("stopped after {:.1} s", failed.elapsed.as_secs_f64()));
    ensure!(failed.code == Some(4), "it ends with {:?}", failed.code);
    let stopped = at(&last(&failed)?, "/report/stopped").to_string();
    ensure!(
        stopped.contains("kube-controller-manager") && stopped.contains("address already in use"),
        "why it stopped is told as {stopped}"
    );
    ensure!(scheduler_runs() == before, "kube-scheduler was restarted");
    ensure!(fs::read(format!("{KUBERNETES}/scheduler.conf"))? == scheduler, "scheduler.conf was renewed");
    care.metric("kubestrap_care_success 0")?;
    cluster::healthy(care.node).context("with its port free again")?;
    care.done().context("with the port free again")?;
    ensure!(
        fs::read(format!("{KUBERNETES}/scheduler.conf"))? != scheduler,
        "scheduler.conf is still the old one"
    );
    cluster::healthy(care.node)
}

/// Does something while whoever stops listening on a port can't listen on it again.
fn with_port_taken<T>(port: u16, act: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut taken = None;
            while !over.load(Ordering::Relaxed) {
                taken = taken.or_else(|| TcpListener::bind(("127.0.0.1", port)).ok());
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let done = act();
        over.store(true, Ordering::Relaxed);
        done
    })
}

/// While another node has its turn, nothing is touched, and nothing is wrong; when it is over, the run goes on.
fn other_turn(care: &Care) -> anyhow::Result<()> {
    care.shorten()?;
    let before = certificate()?;
    care.hold(900)?;
    let result = last(&care.run(&["--turn-timeout", "0s"])?.success()?)?;
    let postponed = at(&result, "/report/postponed").to_string();
    ensure!(at(&result, "/ok") == true && postponed.contains("other-node"), "it says: {result}");
    ensure!(certificate()? == before, "apiserver.crt was renewed on another node's turn");
    care.metric("kubestrap_care_success 1")?;
    care.metric("kubestrap_care_postponed 1")?;
    care.node.kubestrap(&["care", "status"])?;
    care.hold(8)?;
    let output = care.run(&[])?.success()?;
    ensure!(output.stdout.contains("Waiting for this node's turn"), "it did not wait: {}", output.stdout);
    ensure!(certificate()? != before, "apiserver.crt is still the old one");
    care.metric("kubestrap_care_postponed 0")
}

/// Three control planes at once: they take turns; one that is killed in its turn goes on when it runs again; and the API
/// answers all the time.
pub(super) fn three(node: &Node) -> anyhow::Result<()> {
    let _balancer = Balancer::start(1..=3)?;
    let (first, join) = init_behind_balancer(node)?;
    let machines = [first, Neighbour::new(node, 2)?, Neighbour::new(node, 3)?];
    for machine in machines.iter().skip(1) {
        joined(node, machine, "kubestrap", &join)?;
    }
    for machine in &machines {
        is_control_plane(node, machine)?;
    }
    for machine in &machines {
        shorten(node, machine)?;
    }
    // Care restarts no API server; what made the certificates short did.
    let asking = Asking::start()?;
    let care = ["kubestrap", "care", "run", "--output", "json"];
    let running =
        machines.iter().map(|machine| machine.command(&care)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut waited = 0;
    for output in at_once(running)? {
        node.log(&output)?;
        let output = output.success()?;
        node.note(format!("{:.1} s", output.elapsed.as_secs_f64()));
        waited += u32::from(output.stdout.contains("Waiting for this node's turn"));
        let result = last(&output)?;
        ensure!(at(&result, "/report/restarted") == &json!(RESTARTED), "it says: {result}");
    }
    ensure!(waited == 2, "{waited} of three nodes waited for their turn");
    none_failed(node, asking.stop()?)?;
    let [first, second, _] = &machines;
    killed_in_its_turn(node, first, second)?;
    for machine in &machines {
        is_control_plane(node, machine)?;
        eventually("etcd is healthy", PATIENCE, || machine.run(&["kubestrap", "etcd", "health"])?.success())?;
    }
    Ok(())
}

/// Another node leaves what is due on it to its next run, until the one that was killed has had its turn.
fn killed_in_its_turn(node: &Node, killed: &Neighbour, other: &Neighbour) -> anyhow::Result<()> {
    shorten(node, killed)?;
    shorten(node, other)?;
    let asking = Asking::start()?;
    let run = |machine: &Neighbour, before: &[&str], after: &[&str]| {
        machine.run(&[before, &["kubestrap", "care", "run", "--output", "json"], after].concat())
    };
    let cut = run(killed, &["timeout", "--signal", "KILL", "5"], &[])?;
    ensure!(cut.code != Some(0), "it was done before it was killed: {}", cut.stdout);
    let postponed = last(&run(other, &[], &["--turn-timeout", "0s"])?.success()?)?;
    ensure!(
        at(&postponed, "/report/postponed").to_string().contains(killed.name()),
        "the other node does not wait: {postponed}"
    );
    for machine in [killed, other] {
        run(machine, &[], &[])?.success()?;
        let result = last(&run(machine, &[], &[])?.success()?)?;
        ensure!(at(&result, "/report/renewed") == &json!([]), "something is still due: {result}");
    }
    none_failed(node, asking.stop()?)
}

/// Has all certificates of a machine made anew, so that they are due.
fn shorten(node: &Node, machine: &Neighbour) -> anyhow::Result<()> {
    let short = machine.put("short.yaml", &Config::cluster(SHORT).text(&node.plan.version))?;
    machine.run(&["kubestrap", "certs", "renew", "all", "--restart", "--config", &short])?.success().map(drop)
}

/// The command that the timer starts.
struct Care<'n> {
    node: &'n Node,
    words: Vec<String>,
}

impl Care<'_> {
    /// Runs it, with more flags.
    fn run(&self, more: &[&str]) -> anyhow::Result<Output> {
        let words = self.words.iter().skip(1).map(String::as_str);
        let words: Vec<&str> = words.chain(["--output", "json"]).chain(more.iter().copied()).collect();
        self.node.run(&self.node.init, &words)
    }

    /// Runs it; it must end well. Its result.
    fn done(&self) -> anyhow::Result<Value> {
        last(&self.run(&[])?.success()?)
    }

    /// Has all certificates made anew, so that they are due.
    fn shorten(&self) -> anyhow::Result<()> {
        let short = "/root/short.yaml";
        fs::write(short, Config::cluster(SHORT).text(&self.node.plan.version))?;
        self.node.kubestrap(&["certs", "renew", "all", "--restart", "--config", short]).map(drop)
    }

    fn metric(&self, line: &str) -> anyhow::Result<()> {
        let text = fs::read_to_string(format!("{METRICS}/kubestrap_care.prom"))?;
        ensure!(text.lines().any(|l| l == line), "the metrics have no {line:?}:\n{text}");
        Ok(())
    }

    /// Gives another node its turn, for so many seconds.
    fn hold(&self, seconds: u32) -> anyhow::Result<()> {
        let now = check("date", &["--utc", "+%Y-%m-%dT%H:%M:%S.000000Z"])?.stdout;
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": LEASE, "namespace": "kube-system" },
            "spec": { "holderIdentity": "other-node", "leaseDurationSeconds": seconds, "renewTime": now.trim() },
        });
        fs::write("/root/lease.json", lease.to_string())?;
        self.node
            .kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "/root/lease.json"])
            .map(drop)
    }
}

/// The words of the service's command line.
fn command_of_service() -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(SERVICE)?;
    let line = text.lines().find_map(|l| l.strip_prefix("ExecStart=")).context("no ExecStart")?;
    Ok(line.split(' ').map(str::to_owned).collect())
}

fn certificate() -> anyhow::Result<Vec<u8>> {
    Ok(fs::read(format!("{KUBERNETES}/pki/apiserver.crt"))?)
}

fn none_failed(node: &Node, asked: Asked) -> anyhow::Result<()> {
    node.note(format!("{} requests, slowest {:.1} s", asked.count, asked.slowest.as_secs_f64()));
    ensure!(asked.failures.is_empty(), "requests failed:\n  {}", asked.failures.join("\n  "));
    ensure!(asked.count > 10, "the API server was asked {} times only", asked.count);
    Ok(())
}

/// The result that a command printed last.
fn last(output: &Output) -> anyhow::Result<Value> {
    let line = output.stdout.lines().next_back().with_context(|| output.failure())?;
    Ok(serde_json::from_str(line)?)
}
