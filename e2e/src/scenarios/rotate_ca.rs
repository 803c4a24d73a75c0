//! CAs that are replaced under a running cluster.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::join::{init, init_behind_balancer, init_by_kubeadm, is_control_plane, join_command, joined};
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
/// Longer than a rotation takes, of which runs are killed.
const LONGEST: Duration = Duration::from_secs(60);

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
    eventually("nothing needs the old CA", PATIENCE, || {
        let status = node.kubestrap(&["certs", "rotate-ca", "status", "--output", "json"])?;
        let left = at(&last(&status)?, "/left").clone();
        ensure!(left == serde_json::json!([]), "left: {left}");
        Ok(())
    })?;
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

/// Killed at moments spread over its course, it is resumed, and a copy of the administrator's kubeconfig works all along.
pub(super) fn kill(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let (mut interrupted, mut whole) = (0, LONGEST / 2);
    for number in 1..=node.plan.kills {
        fs::copy(ADMIN, COPY)?;
        let moment = whole.mul_f64(f64::from(number) / f64::from(node.plan.kills + 1));
        let context = || format!("killed after {:.2} s", moment.as_secs_f64());
        let at_work = killed(node, &["certs", "rotate-ca"], When::After(moment))?;
        interrupted += u32::from(at_work);
        let resumed = node.kubestrap(&["certs", "rotate-ca", "--output", "json"]).with_context(context)?;
        ensure!(at(&last(&resumed)?, "/reached") == "switched", "{}: {}", context(), resumed.stdout);
        cluster::healthy(node).with_context(context)?;
        as_copy(node)?.success().with_context(context)?;
        let finishing = node.kubestrap(&["certs", "rotate-ca", "finish", "--force"]).with_context(context)?;
        cluster::healthy(node).with_context(context)?;
        whole = whole.max(finishing.elapsed).min(LONGEST);
    }
    ensure!(interrupted > 0, "no run was still at work when it was killed");
    node.note(format!("{interrupted} runs killed"));
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

/// On two control planes behind a load balancer, by the same command on each in turn: the API answers all the time.
pub(super) fn two(node: &Node) -> anyhow::Result<()> {
    let _balancer = Balancer::start(1..=2)?;
    let (first, join) = init_behind_balancer(node)?;
    fs::copy(ADMIN, COPY)?;
    let second = Neighbour::new(node, 2)?;
    joined(node, &second, "kubestrap", &join)?;
    is_control_plane(node, &second)?;

    let asking = Asking::with(|path| first.read(path))?;
    let rotate = |machine: &Neighbour, words: &[&str]| -> anyhow::Result<Value> {
        let all: Vec<&str> = ["kubestrap", "certs", "rotate-ca", "--output", "json"]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        let output = machine.run(&all)?.success()?;
        node.note(format!("{} {} {:.1} s", machine.name(), words.join(" "), output.elapsed.as_secs_f64()));
        last(&output)
    };
    let result = rotate(&first, &[])?;
    ensure!(at(&result, "/waitingFor") == &serde_json::json!([second.name()]), "it says: {result}");
    let refused = second.run(&["kubestrap", "certs", "rotate-ca"])?;
    ensure!(refused.code == Some(3) && refused.stderr.contains("scp"), "{}", refused.failure());
    for file in ["ca", "front-proxy-ca", "etcd/ca"]
        .iter()
        .flat_map(|ca| [format!("{ca}.crt"), format!("{ca}.key")])
        .chain(["sa.key".into(), "sa.pub".into()])
    {
        let path = format!("/etc/kubernetes/pki/ca-rotation/new/{file}");
        let copy = second.put("copied", &first.read(&path)?)?;
        second.run(&["install", "-D", "--mode", "600", &copy, &path])?.success()?;
    }
    let result = rotate(&second, &[])?;
    ensure!(at(&result, "/reached") == "switched", "it says: {result}");
    ensure!(at(&result, "/waitingFor") == &serde_json::json!([first.name()]), "it says: {result}");
    let result = rotate(&first, &[])?;
    ensure!(at(&result, "/waitingFor") == &serde_json::json!([]), "it says: {result}");
    as_copy(node)?.success().context("the copy of admin.conf does not work before the old CA is dropped")?;
    count(node, "until all had switched", asking.stop()?)?;

    fs::write(ADMIN, first.read(ADMIN)?)?;
    let asking = Asking::with(|path| first.read(path))?;
    for machine in [&first, &second] {
        let result = rotate(machine, &["finish", "--force"])?;
        ensure!(at(&result, "/reached") == "finished", "it says: {result}");
    }
    count(node, "while the old were dropped", asking.stop()?)?;
    ensure!(as_copy(node)?.code != Some(0), "the copy of admin.conf works although the old CA is dropped");
    for machine in [&first, &second] {
        is_control_plane(node, machine)?;
        works(node, machine)?;
        machine.run(&["kubestrap", "etcd", "health"])?.success()?;
    }
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
