//! A database of 2 GB that is backed up, destroyed with its machine, and restored: by how much time and memory.

use std::fs;

use anyhow::{Context, ensure};

use super::join::is_control_plane;
use super::restore::{objects, same};
use crate::config::Config;
use crate::neighbour::{Neighbour, ignored_checks};
use crate::node::{ADMIN, Node};

/// How many values of one MiB etcd gets besides.
const VALUES: u32 = 2048;
/// How many objects.
const OBJECTS: u32 = 500;
/// What our program may take, in KiB.
const MEMORY: u64 = 64 << 10;
/// etcd's default is 2 GiB.
const QUOTA: &str = "etcd: {local: {extraArgs: [{name: quota-backend-bytes, value: '4294967296'}]}}";
/// A pair of age's own test vectors: the key's bytes are all 0x42.
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const ETCDCTL: &str = "set -euo pipefail
pki=/etc/kubernetes/pki/etcd
export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 ETCDCTL_CACERT=$pki/ca.crt
export ETCDCTL_CERT=$pki/healthcheck-client.crt ETCDCTL_KEY=$pki/healthcheck-client.key
";

/// Everything is there again, one by one; the memory of backup and restore does not grow with the database.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let mut machine = Neighbour::new(node, 1)?;
    let config = machine.put("config.yaml", &Config::cluster(QUOTA).text(&node.plan.version))?;
    machine.run(&["kubestrap", "init", "--config", &config, &ignored_checks()])?.success()?;
    fs::create_dir_all("/etc/kubernetes")?;
    fs::write(ADMIN, machine.read(ADMIN)?)?;
    is_control_plane(node, &machine)?;
    fill(node, &machine)?;
    let (objects_before, values_before) = (objects(node)?, values(&machine)?);
    let size = machine.run(&["stat", "--format", "%s", "/var/lib/etcd/member/snap/db"])?.success()?.stdout;
    let size: u64 = size.trim().parse()?;
    ensure!(size >= 2 << 30, "the database has {size} bytes only");
    node.note(format!("database {} MiB", size >> 20));

    let archive = "/e2e/logs/node.age";
    frugal(node, &machine, "backup", &["backup", "--recipient", RECIPIENT, archive])?;
    // Another disk: neither data nor keys are left.
    machine.start_fresh()?;
    let identity = machine.put("identity", IDENTITY)?;
    frugal(node, &machine, "restore", &["restore", "--identity", &identity, &ignored_checks(), archive])?;
    fs::remove_file(format!("/e2e/logs/{}/node.age", machine.name()))?;
    is_control_plane(node, &machine)?;
    same(&objects_before, &objects(node)?)?;
    let values_after = values(&machine)?;
    let lost = values_before.lines().filter(|line| !values_after.lines().any(|l| l == *line)).count();
    ensure!(lost == 0, "{lost} of {VALUES} values are lost or changed");
    node.note(format!("{} objects and {VALUES} values compared", objects_before.len()));
    Ok(())
}

/// Fills etcd: values that nothing compresses, and objects.
fn fill(node: &Node, machine: &Neighbour) -> anyhow::Result<()> {
    let script = format!(
        "{ETCDCTL}head --bytes 1M /dev/urandom > /root/value
seq {VALUES} | xargs --max-procs 4 -I N sh -c '(echo N; cat /root/value) | etcdctl put /large/N > /root/put-N; rm /root/put-N'"
    );
    machine.run(&["bash", "-c", &script])?.success()?;
    let object = |number| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: large-{number}}}\ndata: {{number: '{number}'}}\n"
        )
    };
    fs::write("/root/objects.yaml", (0..OBJECTS).map(object).collect::<Vec<_>>().join("---\n"))?;
    node.kubectl(&["create", "--filename", "/root/objects.yaml"]).map(drop)
}

/// The hash of each value, a line each.
fn values(machine: &Neighbour) -> anyhow::Result<String> {
    let script = format!(
        "{ETCDCTL}seq {VALUES} | xargs --max-procs 2 -I N sh -c 'echo N $(etcdctl get /large/N --print-value-only | sha256sum)'"
    );
    let listed = machine.run(&["bash", "-c", &script])?.success()?.stdout;
    ensure!(listed.lines().count() == VALUES as usize, "{} values are there", listed.lines().count());
    Ok(listed)
}

/// Runs our program, which must keep within its memory; notes time and memory.
fn frugal(node: &Node, machine: &Neighbour, what: &str, words: &[&str]) -> anyhow::Result<()> {
    let measured = "/e2e/logs/memory";
    let time = ["/usr/bin/time", "--format", "%M", "--output", measured, "kubestrap"];
    let output = machine.run(&[&time, words].concat())?.success()?;
    let memory: u64 = machine.read(measured)?.trim().parse().context("time prints no number")?;
    node.note(format!("{what} {:.1} s with {} MiB", output.elapsed.as_secs_f64(), memory >> 10));
    ensure!(memory <= MEMORY, "{what} took {memory} KiB of memory");
    Ok(())
}
