//! A cluster whose etcd can't take this machine in.

use std::time::Duration;

use anyhow::{Context, ensure};

use super::super::join::{init, is_control_plane, joined, voting};
use super::fault::{FAULT, Fault};
use crate::machine::NODE_NAME;
use crate::neighbour::{Neighbour, ignored_checks};
use crate::node::{Node, PATIENCE};
use crate::wait::eventually;

/// A join whose waiting is given up after ten seconds.
const IMPATIENT: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ntimeouts: {discovery: 10s, etcdAPICall: 10s}\n\
    discovery: {bootstrapToken: {token: TOKEN, caCertHashes: ['HASH'], apiServerEndpoint: '10.88.0.2:6443'}}\n\
    controlPlane: {certificateKey: KEY}\n";
const JOIN: Fault =
    Fault { line: "join --config /e2e/logs/join.yaml", files: &[("join.yaml", IMPATIENT)], ..FAULT };

const MEMBER_IN_THE_WAY: Fault = Fault {
    name: "stale-member",
    says: &["etcd has a member of this node's address already: e2e-2", "--replace-etcd-member"],
    ..JOIN
};
const MEMBER_LOST: Fault = Fault {
    name: "member-out-of-reach",
    says: &["the etcd cluster is not healthy", "e2e-2", "fix: bring these members back"],
    ..JOIN
};
const LEARNER: Fault = Fault {
    name: "learner-in-the-way",
    says: &["one at a time", "https://10.88.77.2:2380", "has not started"],
    ..JOIN
};
const NO_QUORUM: Fault = Fault {
    name: "no-quorum",
    says: &["10.88.0.2:6443", "is not ready|does not answer", "kubestrap diagnose"],
    ..JOIN
};

/// Three control planes, of which one is lost, then two; and one that joins meanwhile.
pub(in super::super) fn members(node: &Node) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let mut first = Neighbour::new(node, 1)?;
    let mut second = Neighbour::new(node, 2)?;
    for machine in [&first, &second] {
        joined(node, machine, "kubestrap", &join)?;
        is_control_plane(node, machine)?;
    }
    second.start_fresh()?;
    let other = Neighbour::new(node, 3)?;
    let wrong = [meet(node, &second, &join, &MEMBER_IN_THE_WAY)?, meet(node, &other, &join, &MEMBER_LOST)?];
    ensure!(wrong.iter().all(Option::is_none), "told wrongly: {wrong:#?}");

    let mut again = join.clone();
    again.push("--replace-etcd-member".to_owned());
    joined(node, &second, "kubestrap", &again)?;
    is_control_plane(node, &second)?;
    let names = [NODE_NAME, first.name(), second.name()];
    voting(node, &names)?;

    etcdctl(node, "member add ghost --learner --peer-urls=https://10.88.77.2:2380")?;
    let wrong = meet(node, &other, &join, &LEARNER)?;
    let list = etcdctl(node, "member list")?;
    let ghost = list.lines().find(|line| line.contains("10.88.77.2")).context("there is no such member")?;
    let id = ghost.split(',').next().unwrap_or_default().to_owned();
    etcdctl(node, &format!("member remove {id}"))?;
    ensure!(wrong.is_none(), "told wrongly: {wrong:?}");
    voting(node, &names)?;

    first.cut();
    second.cut();
    // What the API server remembers of its etcd, it still tells for a moment.
    std::thread::sleep(Duration::from_secs(5));
    let wrong = meet(node, &other, &join, &NO_QUORUM)?;
    ensure!(wrong.is_none(), "told wrongly: {wrong:?}");
    first.start()?;
    second.start()?;
    eventually("the API is back", PATIENCE, || node.kubectl(&["get", "--raw", "/readyz"]))?;
    joined(node, &other, "kubestrap", &join)?;
    is_control_plane(node, &other)
}

/// What is wrong with what the join said.
fn meet(
    node: &Node,
    machine: &Neighbour<'_>,
    join: &[String],
    fault: &Fault,
) -> anyhow::Result<Option<String>> {
    for (name, text) in fault.files {
        machine.put(name, &super::fill(text, join))?;
    }
    let line = format!("exec kubestrap {} {}", fault.line(join)?, ignored_checks());
    let told = fault.judge(&machine.run(&["sh", "-c", &line])?);
    machine.run(&["kubestrap", "reset", "--force"])?.success()?;
    Ok(match told {
        Ok(seconds) => {
            node.note(format!("{} {seconds:.1} s", fault.name));
            None
        }
        Err(why) => Some(format!("{}: {why}", fault.name)),
    })
}

/// `etcdctl` as the first machine's health check; what it prints.
fn etcdctl(node: &Node, line: &str) -> anyhow::Result<String> {
    let pki = "/etc/kubernetes/pki/etcd";
    let flags = format!(
        "--endpoints=https://127.0.0.1:2379 --cacert={pki}/ca.crt --cert={pki}/healthcheck-client.crt --key={pki}/healthcheck-client.key {line}"
    );
    Ok(node.run("etcdctl", &flags.split(' ').collect::<Vec<_>>())?.success()?.stdout)
}
