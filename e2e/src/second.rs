//! A second node: a machine within the first one's, wired to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::node::{ADMIN, Node, PATIENCE};
use super::plan::Plan;
use super::wait::eventually;
use super::{ignored, images};
use crate::machine::{self, Network, SECOND_NAME};

/// The administrator's kubeconfig of the first node, where the second sees it: its own /etc has none.
const SHOWN_ADMIN: &str = "/e2e/admin.conf";
/// The cluster's CA, likewise.
const SHOWN_CA: &str = "/e2e/ca.crt";

/// Has a second node made and joined by `words`, a join command without its program. `control_plane`: it becomes a
/// control-plane node, which fetches the certificates.
///
/// # Errors
/// When it does not join.
pub(crate) fn join(node: &Node, words: &[&str], control_plane: bool) -> anyhow::Result<()> {
    fs::copy(ADMIN, SHOWN_ADMIN)?;
    fs::copy("/etc/kubernetes/pki/ca.crt", SHOWN_CA)?;
    let kind = if control_plane { "control-plane" } else { "worker" };
    let mut job = vec!["second", kind];
    job.extend(words);
    let mut request = node.plan.request("second", &job);
    // On the first machine's disk: what it sees of the host is an overlay.
    request.dir = PathBuf::from("/var/lib/e2e-second");
    request.logs = PathBuf::from("/e2e/logs/second");
    request.network = Network::second();
    let finished = machine::launch(&request, || images::copy_to(&node.plan, &request.dir), || Ok(()))?;
    if !finished.ok {
        bail!("the second node did not join:\n{}", finished.stderr.trim_end());
    }
    node.note(finished.stdout.trim());
    Ok(())
}

/// The job in the second machine: joins, and looks whether the cluster knows it.
///
/// # Errors
/// When it does not.
pub(crate) fn run(plan: Plan, kind: &str, words: &[&str]) -> anyhow::Result<()> {
    let node = Node::fresh(plan, "kubeadm")?;
    joined(&node, kind == "control-plane", words).inspect_err(|_| node.keep_pod_logs())
}

fn joined(node: &Node, control_plane: bool, words: &[&str]) -> anyhow::Result<()> {
    let ignored = format!("--ignore-preflight-errors={}", ignored::names().join(","));
    let mut args = words.to_vec();
    args.push(&ignored);
    let output = node.run("kubeadm", &args)?.success()?;
    crate::say::line(format_args!("kubeadm join {:.1} s", output.elapsed.as_secs_f64()));
    let kubectl = |args: &[&str]| -> anyhow::Result<String> {
        let mut all = vec!["--kubeconfig", SHOWN_ADMIN, "--request-timeout", "10s"];
        all.extend(args);
        Ok(node.run("kubectl", &all)?.success()?.stdout)
    };
    eventually("the second Node is registered", PATIENCE, || kubectl(&["get", "node", SECOND_NAME]))?;
    let ours = fs::read("/etc/kubernetes/pki/ca.crt").context("join left no CA certificate")?;
    ensure!(ours == fs::read(SHOWN_CA)?, "the second node has another CA");
    if control_plane {
        let mut missing = vec![];
        for file in ["ca.key", "sa.key", "front-proxy-ca.key", "etcd/ca.key"] {
            if !Path::new("/etc/kubernetes/pki").join(file).exists() {
                missing.push(file);
            }
        }
        ensure!(missing.is_empty(), "not fetched: {missing:?}");
        let name = format!("kube-apiserver-{SECOND_NAME}");
        eventually("the second API server is ready", Duration::from_secs(120), || {
            let pod = kubectl(&["--namespace", "kube-system", "get", "pod", &name, "-o", "json"])?;
            let pod = serde_json::from_str(&pod)?;
            super::cluster::is_ready(&pod)
        })?;
    }
    Ok(())
}
