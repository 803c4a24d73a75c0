//! A control plane that is upgraded: for one set of programs, from the minor before by the images' tags alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::asking::Asking;
use crate::cluster;
use crate::command::check;
use crate::config::Config;
use crate::json::at;
use crate::kill::{When, killed};
use crate::node::{CONFIG, MANIFESTS, Node};

/// kubelet is newer than the first version.
const IGNORED: &str = "--ignore-preflight-errors=all";
/// The Job of kubeadm's health check needs a network for Pods, which there is none of here: a minute's wait for each run.
const UNCHECKED: &str = "--skip-phases=preflight";
/// Where the user's patches are.
const PATCHES: &str = "/var/lib/e2e-patches";
/// What an upgrade puts back if it fails.
const FOLDERS: &[&str] = &["/etc/kubernetes", MANIFESTS, "/etc/kubernetes/pki", "/etc/kubernetes/pki/etcd"];

/// From the minor before, while the API server is asked; then again, and with a flag that the API server does not know.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let target = node.plan.version.clone();
    let old = older(node)?;
    fs::write(CONFIG, Config::default().text(&old))?;
    node.kubestrap(&["init", "--config", CONFIG, IGNORED])?;
    cluster::healthy(node)?;
    node.kubectl(&["create", "configmap", "marker", "--from-literal=a=b"])?;

    refused_flag(node, &target).context("from the minor before")?;
    let asking = Asking::start()?;
    std::thread::sleep(Duration::from_secs(1));
    let result = apply(node, &[])?;
    let asked = asking.stop()?;
    ensure!(at(&result, "/changed") == &Value::Bool(true), "it says: {result}");
    node.note(format!(
        "upgraded in {} s; of {} requests {} failed: {}",
        at(&result, "/seconds"),
        asked.count,
        asked.failures.len(),
        span(&asked.failures)
    ));
    cluster::healthy(node)?;
    for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let pod = cluster::mirror(node, component)?;
        let image = at(&pod, "/spec/containers/0/image").as_str().unwrap_or_default();
        ensure!(image.ends_with(&target), "{component} runs {image}");
    }

    let before = (files()?, cluster::containers(node)?);
    let result = apply(node, &[])?;
    ensure!(at(&result, "/changed") == &Value::Bool(false), "the second upgrade says: {result}");
    ensure!(before == (files()?, cluster::containers(node)?), "the second upgrade changed something");
    node.note(format!("again {} s", at(&result, "/seconds")));
    refused_flag(node, &target)?;
    node.kubectl(&["get", "configmap", "marker"])?;
    Ok(())
}

/// Killed at moments spread over its whole course, each time with a change to all components; the next run finishes it.
pub(super) fn kill(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let whole = changed(node, 0)?;
    let mut interrupted = 0;
    for number in 1..=node.plan.kills {
        let moment = whole.mul_f64(f64::from(number) / f64::from(node.plan.kills + 1));
        patch(u32::from(number))?;
        let version = node.plan.version.clone();
        let args = ["upgrade", "apply", &version, "--yes", UNCHECKED, "--patches", PATCHES];
        interrupted += u32::from(killed(node, &args, When::After(moment))?);
        changed(node, u32::from(number))
            .with_context(|| format!("after it was killed at {:.2} s", moment.as_secs_f64()))?;
    }
    ensure!(interrupted > 0, "no run was still at work when it was killed");
    node.note(format!("{interrupted} runs killed; a whole one takes {:.1} s", whole.as_secs_f64()));
    Ok(())
}

/// Applies patch `number` to all components; how long it took.
fn changed(node: &Node, number: u32) -> anyhow::Result<Duration> {
    patch(number)?;
    let version = node.plan.version.clone();
    let args = ["upgrade", "apply", &version, "--yes", UNCHECKED, "--patches", PATCHES];
    let took = node.kubestrap(&args)?.elapsed;
    cluster::healthy(node)?;
    for component in cluster::COMPONENTS {
        let pod = cluster::mirror(node, component)?;
        let wanted = Value::String(number.to_string());
        ensure!(at(&pod, "/metadata/annotations/e2e") == &wanted, "{component} is not changed: {pod}");
    }
    let journal = Path::new("/etc/kubernetes/tmp/kubestrap-upgrade.json");
    ensure!(!journal.exists(), "the journal is still there");
    Ok(took)
}

fn patch(number: u32) -> anyhow::Result<()> {
    fs::create_dir_all(PATCHES)?;
    for component in cluster::COMPONENTS {
        let text = format!("metadata:\n  annotations:\n    e2e: \"{number}\"\n");
        fs::write(format!("{PATCHES}/{component}.yaml"), text)?;
    }
    Ok(())
}

/// A flag that the API server does not know: named, and everything put back.
fn refused_flag(node: &Node, target: &str) -> anyhow::Result<()> {
    let folder = "/var/lib/e2e-bad-patches";
    fs::create_dir_all(folder)?;
    let text = "- op: add\n  path: /spec/containers/0/command/-\n  value: --no-such-flag=1\n";
    fs::write(format!("{folder}/kube-apiserver+json.yaml"), text)?;
    let before = files()?;
    let output =
        node.run(&node.init, &["upgrade", "apply", target, "--yes", UNCHECKED, "--patches", folder])?;
    ensure!(output.code == Some(4), "it ended with {:?}: {}", output.code, output.stderr);
    ensure!(output.stderr.contains("no-such-flag"), "the cause is not named: {}", output.stderr);
    ensure!(output.stderr.contains("and healthy"), "it was not put back: {}", output.stderr);
    ensure!(before == files()?, "files are not as before");
    node.note(format!("put back after {:.1} s", output.elapsed.as_secs_f64()));
    cluster::healthy(node)
}

/// Upgrades to the programs' version; the result.
fn apply(node: &Node, flags: &[&str]) -> anyhow::Result<Value> {
    let version = node.plan.version.clone();
    let mut args = vec!["upgrade", "apply", &version, "--yes", UNCHECKED, "--output", "json"];
    args.extend(flags);
    let output = node.kubestrap(&args)?;
    let result = output.stdout.lines().next_back().context("upgrade says nothing")?;
    Ok(serde_json::from_str(result)?)
}

/// A version of the minor before, whose images are these programs' under its tags.
fn older(node: &Node) -> anyhow::Result<String> {
    let minor: u32 = node.plan.version.split('.').nth(1).context("no minor")?.parse()?;
    let version = format!("v1.{}.1", minor - 1);
    let listed = node.kubestrap(&["config", "images", "list", "--kubernetes-version", &version])?;
    for image in listed.stdout.split_whitespace() {
        let repository = image.rsplit_once(':').map_or(image, |(repository, _)| repository);
        let own =
            node.plan.references.iter().find(|r| r.rsplit_once(':').is_some_and(|(r, _)| r == repository));
        let own = own.with_context(|| format!("no image for {image}"))?;
        if own != image {
            check("ctr", &["--namespace", "k8s.io", "images", "tag", own, image])?;
        }
    }
    Ok(version)
}

/// The manifests, certificates, keys and kubeconfigs.
fn files() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                found.insert(path.clone(), fs::read(path)?);
            }
        }
    }
    Ok(found)
}

/// From the first failure to the last.
fn span(failures: &[String]) -> String {
    match (failures.first(), failures.last()) {
        (Some(first), Some(last)) => format!("first {first}; last {last}"),
        _ => "none".into(),
    }
}
