//! CAs that are replaced under a running cluster.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::join::{
    as_worker, init, init_behind_balancer, init_by_kubeadm, is_control_plane, join_command, joined,
};
use super::kubeadm::kubeadm;
use crate::asking::{Asked, Asking};
use crate::balancer::Balancer;
use crate::cluster;
use crate::command::Output;
use crate::json::at;
use crate::kill::{When, killed};
use crate::machine::NODE_NAME;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node, PATIENCE};
use crate::wait::eventually;

/// A user's copy of admin.conf.
const COPY: &str = "/root/copy.conf";
const CA: &str = "/etc/kubernetes/pki/ca.crt";

/// With a worker: what knows only the old CA works until that is dropped, and then no more.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let join = init(node, false)?;
    let worker = Neighbour::new(node, 1)?;
    joined(node, &worker, "kubestrap", &join)?;
    rotated(node, &worker)?;
    let token = kubeadm(node, "token create --print-join-command")?.stdout;
    let join: Vec<String> = token.split_whitespace().skip(1).map(str::to_owned).collect();
    let second = Neighbour::new(node, 2)?;
    joined(node, &second, "kubestrap", &join)?;
    works(node, &second).context("a worker that joined later")
}

/// The same on a cluster that kubeadm made, with a worker that kubeadm joined.
pub(super) fn of_kubeadm(node: &Node) -> anyhow::Result<()> {
    let made = init_by_kubeadm(node)?;
    let worker = Neighbour::new(node, 1)?;
    joined(node, &worker, "kubeadm", &join_command(&made, false)?)?;
    rotated(node, &worker)
}

/// All of a rotation, with a worker.
fn rotated(node: &Node, worker: &Neighbour) -> anyhow::Result<()> {
    works(node, worker)?;
    fs::copy(ADMIN, COPY)?;
    let old = fs::read_to_string(CA)?;

    let asked = measured(node, "switched", &["certs", "rotate-ca", "--output", "json"], |result| {
        ensure!(at(result, "/reached") == "switched", "it says: {result}");
        Ok(())
    })?;
    ensure!(asked.count > 10, "the API server was asked {} times only", asked.count);
    ensure!(certificates(&fs::read_to_string(CA)?) == 2, "ca.crt does not hold both CAs");
    cluster::healthy(node)?;
    as_copy(node)?.success().context("the copy of admin.conf does not work before the old CA is dropped")?;
    works(node, worker).context("the worker, which knows the old CA only")?;
    // kubeadm reads the first certificate.
    kubeadm(node, "certs check-expiration")?;

    let refused = node.run(&node.init, &["certs", "rotate-ca", "finish"])?;
    ensure!(refused.code == Some(3), "finish ends with {:?}", refused.code);
    ensure!(refused.stderr.contains(worker.name()), "finish does not name the worker: {}", refused.stderr);
    worker.run(&["kubestrap", "certs", "rotate-ca"])?.success()?;
    works(node, worker).context("the worker, with its new certificate")?;
    nothing_left(|| node.kubestrap(&["certs", "rotate-ca", "status", "--output", "json"]))?;
    measured(node, "finished", &["certs", "rotate-ca", "finish", "--output", "json"], |result| {
        ensure!(at(result, "/reached") == "finished", "it says: {result}");
        Ok(())
    })?;
    cluster::healthy(node)?;
    ensure!(as_copy(node)?.code != Some(0), "the copy of admin.conf works although the old CA is dropped");
    works(node, worker).context("the worker, after the old CA is dropped")?;
    worker.run(&["kubestrap", "certs", "rotate-ca"])?.success()?;
    works(node, worker).context("the worker, which trusts the new CA alone")?;
    gone(node, &old)?;
    kubeadm(node, "certs check-expiration").map(drop)
}

/// Killed at moments spread over its course and over that of finish, it is resumed; a copy of the administrator's
/// kubeconfig works until the old CA is dropped.
pub(super) fn kill(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let words: [&[&str]; 2] = [&["certs", "rotate-ca"], &["certs", "rotate-ca", "finish", "--force"]];
    let [switching, finishing] = words;
    // How long each takes that nobody kills.
    let whole = [node.kubestrap(switching)?.elapsed, node.kubestrap(finishing)?.elapsed];
    let [switch_time, finish_time] = whole;
    node.note(format!("{:.1} s and {:.1} s", switch_time.as_secs_f64(), finish_time.as_secs_f64()));
    cluster::healthy(node)?;
    let rounds = u32::from(node.plan.kills.div_ceil(2));
    let mut interrupted = 0;
    for round in 1..=rounds {
        fs::copy(ADMIN, COPY)?;
        let moment = |whole: Duration| whole * round / (rounds + 1);
        let after = moment(switch_time);
        let context = || format!("killed after {:.2} s", after.as_secs_f64());
        interrupted += u32::from(killed(node, switching, When::After(after))?);
        let resumed = node.kubestrap(&["certs", "rotate-ca", "--output", "json"]).with_context(context)?;
        ensure!(at(&last(&resumed)?, "/reached") == "switched", "{}: {}", context(), resumed.stdout);
        cluster::healthy(node).with_context(context)?;
        as_copy(node)?.success().with_context(context)?;

        let after = moment(finish_time);
        let context = || format!("finish killed after {:.2} s", after.as_secs_f64());
        if killed(node, finishing, When::After(after))? {
            interrupted += 1;
            node.kubestrap(finishing).with_context(context)?;
        }
        cluster::healthy(node).with_context(context)?;
        ensure!(as_copy(node)?.code != Some(0), "{}: the old CA is still trusted", context());
    }
    node.note(format!("{interrupted} of {} runs killed", 2 * rounds));
    ensure!(interrupted > rounds, "only {interrupted} runs were still at work when they were killed");
    Ok(())
}

/// Turned back, once before the new CAs signed anything and once after: the old ones are the only ones again, and nobody
/// was broken.
pub(super) fn rollback(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    fs::copy(ADMIN, COPY)?;
    let old = fs::read_to_string(CA)?;
    for moment in [Some(Duration::from_secs(8)), None] {
        let asking = Asking::with(|_| Ok(fs::read_to_string(COPY)?))?;
        match moment {
            Some(moment) => drop(killed(node, &["certs", "rotate-ca"], When::After(moment))?),
            None => drop(node.kubestrap(&["certs", "rotate-ca"])?),
        }
        let back = last(&node.kubestrap(&["certs", "rotate-ca", "rollback", "--output", "json"])?)?;
        ensure!(
            at(&back, "/rolledBack") == true && at(&back, "/reached") == "switched",
            "rollback says: {back}"
        );
        cluster::healthy(node)?;
        as_copy(node)?.success().context("the copy of admin.conf, after going back")?;
        let finished =
            last(&node.kubestrap(&["certs", "rotate-ca", "finish", "--force", "--output", "json"])?)?;
        ensure!(at(&finished, "/reached") == "finished", "finish says: {finished}");
        count(node, &format!("rollback {moment:?}"), asking.stop()?)?;
        cluster::healthy(node)?;
        ensure!(fs::read_to_string(CA)? == old, "ca.crt is not what it was");
        as_copy(node)?.success().context("the copy of admin.conf, with the old CA alone again")?;
    }
    let refused = node.run(&node.init, &["certs", "rotate-ca", "rollback"])?;
    ensure!(refused.code == Some(2), "with nothing to go back from it ends with {:?}", refused.code);
    Ok(())
}

/// On three control planes behind a load balancer, by the same command on each in turn, with a worker: no request fails.
pub(super) fn three(node: &Node) -> anyhow::Result<()> {
    let _balancer = Balancer::start(1..=3)?;
    let (first, join) = init_behind_balancer(node)?;
    fs::copy(ADMIN, COPY)?;
    let machines = [first, Neighbour::new(node, 2)?, Neighbour::new(node, 3)?];
    let [first, second, third] = &machines;
    for machine in [second, third] {
        joined(node, machine, "kubestrap", &join)?;
        is_control_plane(node, machine)?;
    }
    let worker = Neighbour::new(node, 4)?;
    joined(node, &worker, "kubestrap", &as_worker(&join))?;
    works(node, &worker)?;

    let rotate = |machine: &Neighbour, words: &[&str], reached: &str, waiting_for: &[&Neighbour]| {
        let all = [&["kubestrap", "certs", "rotate-ca", "--output", "json"], words].concat();
        let output = machine.run(&all)?.success()?;
        node.note(format!("{} {reached} {:.1} s", machine.name(), output.elapsed.as_secs_f64()));
        let result = last(&output)?;
        let names: Vec<&str> = waiting_for.iter().map(|machine| machine.name()).collect();
        ensure!(at(&result, "/reached") == reached, "{} says: {result}", machine.name());
        ensure!(at(&result, "/waitingFor") == &serde_json::json!(names), "{} says: {result}", machine.name());
        anyhow::Ok(())
    };
    let asking = Asking::with(|path| first.read(path))?;
    rotate(first, &[], "trusted", &[second, third])?;
    let refused = second.run(&["kubestrap", "certs", "rotate-ca"])?;
    ensure!(refused.code == Some(3) && refused.stderr.contains("scp"), "{}", refused.failure());
    copy_new(first, second)?;
    rotate(second, &[], "trusted", &[third])?;
    copy_new(first, third)?;
    rotate(third, &[], "switched", &[first, second])?;
    rotate(first, &[], "switched", &[second])?;
    rotate(second, &[], "switched", &[])?;
    as_copy(node)?.success().context("the copy of admin.conf does not work before the old CA is dropped")?;
    works(node, &worker).context("the worker, which knows the old CA only")?;
    none_failed(node, "until all had switched", asking.stop()?)?;

    let refused = first.run(&["kubestrap", "certs", "rotate-ca", "finish"])?;
    ensure!(refused.code == Some(3) && refused.stderr.contains(worker.name()), "{}", refused.failure());
    fs::write(ADMIN, first.read(ADMIN)?)?;
    // With the new certificates: those that the old CA signed end with it.
    let asking = Asking::with(|path| first.read(path))?;
    worker.run(&["kubestrap", "certs", "rotate-ca"])?.success()?;
    works(node, &worker).context("the worker, with its new certificate")?;
    nothing_left(|| {
        first.run(&["kubestrap", "certs", "rotate-ca", "status", "--output", "json"])?.success()
    })?;
    for (machine, waiting_for) in [(first, &[second, third] as &[_]), (second, &[third]), (third, &[])] {
        rotate(machine, &["finish"], "finished", waiting_for)?;
    }
    works(node, &worker).context("the worker, after the old CA is dropped")?;
    none_failed(node, "while the old were dropped", asking.stop()?)?;
    ensure!(as_copy(node)?.code != Some(0), "the copy of admin.conf works although the old CA is dropped");
    for machine in &machines {
        is_control_plane(node, machine)?;
        works(node, machine)?;
        machine.run(&["kubestrap", "etcd", "health"])?.success()?;
    }
    Ok(())
}

/// Copies the new generation from one control plane to another, as an administrator is told to.
fn copy_new(from: &Neighbour, to: &Neighbour) -> anyhow::Result<()> {
    for file in ["ca", "front-proxy-ca", "etcd/ca"]
        .iter()
        .flat_map(|ca| [format!("{ca}.crt"), format!("{ca}.key")])
        .chain(["sa.key".into(), "sa.pub".into()])
    {
        let path = format!("/etc/kubernetes/pki/ca-rotation/new/{file}");
        let copy = to.put("copied", &from.read(&path)?)?;
        to.run(&["install", "-D", "--mode", "600", &copy, &path])?.success()?;
    }
    Ok(())
}

/// Waits until a status of the rotation names nothing that needs the old CAs.
fn nothing_left(status: impl Fn() -> anyhow::Result<Output>) -> anyhow::Result<()> {
    eventually("nothing needs the old CA", PATIENCE, || {
        let left = at(&last(&status()?)?, "/left").clone();
        ensure!(left == serde_json::json!([]), "left: {left}");
        Ok(())
    })
}

/// Notes what became of requests, none of which may have failed.
fn none_failed(node: &Node, what: &str, asked: Asked) -> anyhow::Result<()> {
    let repeated = asked.repeated;
    let asked = count(node, what, asked)?;
    node.note(format!("{repeated} to be repeated, slowest {:.1} s", asked.slowest.as_secs_f64()));
    ensure!(asked.failures.is_empty(), "requests failed:\n  {}", asked.failures.join("\n  "));
    Ok(())
}

/// Runs a command while the API server is asked; notes how long it took, and for how long nobody answered.
fn measured(
    node: &Node,
    what: &str,
    args: &[&str],
    check: impl FnOnce(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<Asked> {
    let asking = Asking::start()?;
    std::thread::sleep(Duration::from_secs(1));
    let output = node.kubestrap(args)?;
    let asked = asking.stop()?;
    check(&last(&output)?)?;
    count(node, &format!("{what} in {:.1} s", output.elapsed.as_secs_f64()), asked)
}

/// Notes what became of requests; nobody may have been refused for a certificate.
fn count(node: &Node, what: &str, asked: Asked) -> anyhow::Result<Asked> {
    let gaps: Vec<String> = asked.gaps.iter().map(|gap| format!("{:.1} s", gap.as_secs_f64())).collect();
    node.note(format!(
        "{what}: {} requests, {} failed; gaps: {}",
        asked.count,
        asked.failures.len(),
        if gaps.is_empty() { "none".to_owned() } else { gaps.join(", ") },
    ));
    // One API server that is restarted refuses connections; nobody is refused for a certificate.
    let distrusted = asked.failures.iter().find(|f| f.contains("certificate") || f.contains("401"));
    ensure!(distrusted.is_none(), "a client was broken: {distrusted:?}");
    ensure!(asked.failures.len() < asked.count, "no request was answered: {:?}", asked.failures.last());
    Ok(asked)
}

/// The result that a command printed last.
fn last(output: &Output) -> anyhow::Result<Value> {
    let line = output.stdout.lines().next_back().context("it says nothing")?;
    Ok(serde_json::from_str(line)?)
}

fn certificates(pem: &str) -> usize {
    pem.matches("BEGIN CERTIFICATE").count()
}

fn as_copy(node: &Node) -> anyhow::Result<Output> {
    node.run("kubectl", &["--kubeconfig", COPY, "--request-timeout", "10s", "get", "nodes"])
}

/// The worker's kubelet reports to the API server, which reaches it too.
pub(super) fn works(node: &Node, worker: &Neighbour) -> anyhow::Result<()> {
    let lease = || -> anyhow::Result<String> {
        let lease = node.get(&["--namespace", "kube-node-lease", "lease", worker.name()])?;
        Ok(at(&lease, "/spec/renewTime").to_string())
    };
    let before = eventually("the worker has a lease", PATIENCE, lease)?;
    eventually("the worker renews its lease", PATIENCE, || {
        ensure!(lease()? != before, "it is still of {before}");
        Ok(())
    })?;
    let healthz = format!("/api/v1/nodes/{}/proxy/healthz", worker.name());
    eventually("the API server reaches the worker's kubelet", PATIENCE, || {
        let said = node.kubectl(&["get", "--raw", &healthz])?;
        ensure!(said.trim() == "ok", "it says {said:?}");
        Ok(())
    })
}

/// Nothing on the control plane trusts the old CA any more.
fn gone(node: &Node, old: &str) -> anyhow::Result<()> {
    let body: String = old.lines().filter(|line| !line.starts_with('-')).collect();
    for args in [
        ["--namespace", "kube-system", "configmap", "kube-root-ca.crt"],
        ["--namespace", "kube-system", "configmap", "extension-apiserver-authentication"],
    ] {
        eventually("the old CA is gone from the cluster", PATIENCE, || {
            let map = node.get(&args)?;
            let data = at(&map, "/data").as_object().cloned().unwrap_or_default();
            let all: String = data.values().filter_map(Value::as_str).flat_map(str::lines).collect();
            ensure!(!all.contains(&body), "{} holds it", args.join(" "));
            Ok(())
        })?;
    }
    ensure!(certificates(&fs::read_to_string(CA)?) == 1, "ca.crt holds more than one CA");
    let found = node.get(&["node", NODE_NAME])?;
    let told = at(&found, "/metadata/annotations/kubestrap~1ca-rotation").to_string();
    ensure!(told.contains("finished"), "the Node tells {told}");
    Ok(())
}
