//! A control plane that is upgraded: from the minor before, whose programs are another folder's, or else the same by the
//! images' tags alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::asking::Asking;
use crate::cluster;
use crate::command::Output;
use crate::config::Config;
use crate::json::at;
use crate::kill::{When, killed};
use crate::neighbour::ignored_checks;
use crate::node::{ADMIN, CONFIG, MANIFESTS, Node, PATIENCE};
use crate::plan::program;
use crate::wait::eventually;

/// kubelet may be newer than the first version.
const IGNORED: &str = "--ignore-preflight-errors=all";
/// Where the user's patches are.
const PATCHES: &str = "/var/lib/e2e-patches";
/// What an upgrade puts back if it fails.
const FOLDERS: &[&str] = &["/etc/kubernetes", MANIFESTS, "/etc/kubernetes/pki", "/etc/kubernetes/pki/etcd"];

/// From the minor before, while the API server is asked; then again, and with a flag that the API server does not know.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let target = node.plan.version.clone();
    let old = control_plane_of_minor_before(node)?;
    node.kubectl(&["create", "configmap", "marker", "--from-literal=a=b"])?;

    for command in [["plan", &target], ["diff", &target]] {
        let looked = node.run(&node.init, &[&["upgrade"], command.as_slice()].concat())?;
        node.note(format!("{} {:.2} s", command.join(" "), looked.elapsed.as_secs_f64()));
    }
    refused_flag(node, &target).context("from the minor before")?;
    let asking = Asking::start()?;
    std::thread::sleep(Duration::from_secs(1));
    let result = apply(node, &[])?;
    let asked = asking.stop()?;
    ensure!(at(&result, "/changed") == &Value::Bool(true), "it says: {result}");
    node.note(format!(
        "from {old} in {} s; of {} requests {} failed: {}",
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

    install_kubelet(&node.plan.programs, |words| run_words(node, words))?;
    node.run("systemctl", &["restart", "kubelet"])?.success()?;
    cluster::healthy(node)?;
    nodes_ready(node)?;
    settled(node)?;
    let before = (files()?, cluster::containers(node)?);
    let result = apply(node, &[])?;
    ensure!(at(&result, "/changed") == &Value::Bool(false), "the second upgrade says: {result}");
    ensure!(before == (files()?, cluster::containers(node)?), "the second upgrade changed something");
    node.note(format!("again {} s", at(&result, "/seconds")));
    refused_flag(node, &target)?;
    node.kubectl(&["get", "configmap", "marker"])?;
    Ok(())
}

/// Waits until kubelet has restarted what it restarts: a new minor's gives static Pods other UIDs, and until it has seen to
/// that, the mirror Pods tell of the old ones.
fn settled(node: &Node) -> anyhow::Result<()> {
    eventually("the components' containers stay", PATIENCE, || {
        let seen = cluster::containers(node)?;
        std::thread::sleep(Duration::from_secs(5));
        cluster::healthy(node)?;
        ensure!(seen == cluster::containers(node)?, "they are restarted");
        Ok(())
    })
}

/// Makes a control plane of the minor before, whose version is given back.
///
/// # Errors
/// When that fails.
pub fn control_plane_of_minor_before(node: &Node) -> anyhow::Result<String> {
    let old = match node.plan.older_by(1) {
        Some(release) => {
            install_kubelet(&release.programs, |words| run_words(node, words))?;
            release.version.clone()
        }
        None => tagged_older(node)?,
    };
    fs::write(CONFIG, Config::default().text(&old))?;
    node.kubestrap(&["init", "--config", CONFIG, IGNORED])?;
    cluster::healthy(node)?;
    nodes_ready(node)?;
    Ok(old)
}

/// Every so many kills, the next run goes back to what there was before.
const BACK: u16 = 5;

/// Killed at moments spread over its whole course, each time with a change to all components; the next run finishes it,
/// or goes back.
pub(super) fn kill(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let whole = changed(node, 0)?;
    let (mut interrupted, mut back, mut now) = (0, 0, 0);
    for number in 1..=node.plan.kills {
        let moment = whole.mul_f64(f64::from(number) / f64::from(node.plan.kills + 1));
        patch(u32::from(number))?;
        let version = node.plan.version.clone();
        let checks = checks(node);
        let args = ["upgrade", "apply", &version, "--yes", &checks, "--patches", PATCHES];
        interrupted += u32::from(killed(node, &args, When::After(moment))?);
        if number % BACK == 0 {
            back += 1;
        } else {
            now = u32::from(number);
        }
        changed(node, now)
            .with_context(|| format!("after it was killed at {:.2} s", moment.as_secs_f64()))?;
    }
    ensure!(interrupted > 0, "no run was still at work when it was killed");
    node.note(format!(
        "{interrupted} runs killed, {back} times the next went back; a whole one takes {:.1} s",
        whole.as_secs_f64()
    ));
    Ok(())
}

/// Applies patch `number` to all components; how long it took.
fn changed(node: &Node, number: u32) -> anyhow::Result<Duration> {
    patch(number)?;
    let version = node.plan.version.clone();
    let checks = checks(node);
    let args = ["upgrade", "apply", &version, "--yes", &checks, "--patches", PATCHES];
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
    let apply = ["upgrade", "apply", target, "--yes", "--patches", folder];
    let told = node.run(&node.init, &[apply.as_slice(), &[&checks(node)]].concat())?;
    let named = told.stderr.contains("no-such-flag") && told.stderr.contains(folder);
    ensure!(told.code == Some(3) && named, "it is not refused: {}", told.failure());
    let output = node.run(&node.init, &[apply.as_slice(), &["--skip-phases=preflight"]].concat())?;
    ensure!(output.code == Some(4), "it ended with {:?}: {}", output.code, output.stderr);
    ensure!(output.stderr.contains("no-such-flag"), "the cause is not named: {}", output.stderr);
    ensure!(output.stderr.contains("and healthy"), "it was not put back: {}", output.stderr);
    ensure!(before == files()?, "files are not as before");
    node.note(format!("put back after {:.1} s", output.elapsed.as_secs_f64()));
    cluster::healthy(node)
}

/// Upgrades to the programs' version; the result.
pub(super) fn apply(node: &Node, flags: &[&str]) -> anyhow::Result<Value> {
    let version = node.plan.version.clone();
    let checks = checks(node);
    let mut args = vec!["upgrade", "apply", &version, "--yes", &checks, "--output", "json"];
    args.extend(flags);
    let output = node.kubestrap(&args)?;
    let result = output.stdout.lines().next_back().context("upgrade says nothing")?;
    Ok(serde_json::from_str(result)?)
}

/// The flag for what can't be checked here. Without a network for Pods no Node is Ready and no Job runs.
pub fn checks(node: &Node) -> String {
    let mut flag = ignored_checks();
    if node.plan.cni.is_empty() {
        flag.push_str(",ControlPlaneNodesReady,CreateJob");
    }
    flag
}

/// Where Pods have a network, the Nodes become Ready.
pub(super) fn nodes_ready(node: &Node) -> anyhow::Result<()> {
    if node.plan.cni.is_empty() {
        return Ok(());
    }
    let wait = ["wait", "--for=condition=Ready", "node", "--all", "--timeout=120s"];
    node.run("kubectl", &[&["--kubeconfig", ADMIN], wait.as_slice()].concat())?.success()?;
    Ok(())
}

/// Puts kubelet of these programs in place of a machine's, on which `run` runs programs.
pub(super) fn install_kubelet(
    programs: &[(String, PathBuf)],
    run: impl Fn(&[&str]) -> anyhow::Result<Output>,
) -> anyhow::Result<()> {
    let file = program(programs, "kubelet").context("no kubelet")?;
    let file = file.display().to_string();
    for place in ["/usr/bin/kubelet", "/e2e/bin/kubelet"] {
        run(&["ln", "--symbolic", "--force", "--no-dereference", &file, place])?.success()?;
    }
    Ok(())
}

/// Runs `words` on the first machine.
pub(super) fn run_words(node: &Node, words: &[&str]) -> anyhow::Result<Output> {
    let (program, args) = words.split_first().context("no program is named")?;
    node.run(program, args)
}

/// A version of the minor before, whose images are these programs' under its tags.
fn tagged_older(node: &Node) -> anyhow::Result<String> {
    let minor: u32 = node.plan.version.split('.').nth(1).context("no minor")?.parse()?;
    let version = format!("v1.{}.1", minor - 1);
    tag(node, &node.plan.references, &version)?;
    Ok(version)
}

/// Gives the images `own` the tags of `version` too.
pub(super) fn tag(node: &Node, own: &[String], version: &str) -> anyhow::Result<()> {
    let listed = node.kubestrap(&["config", "images", "list", "--kubernetes-version", version])?;
    for image in listed.stdout.split_whitespace() {
        let repository = image.rsplit_once(':').map_or(image, |(repository, _)| repository);
        let own = own.iter().find(|r| r.rsplit_once(':').is_some_and(|(r, _)| r == repository));
        let own = own.with_context(|| format!("no image for {image}"))?;
        if own != image {
            node.plan.runtime.tag(own, image)?;
        }
    }
    Ok(())
}

/// The manifests, certificates, keys and kubeconfigs.
pub(super) fn files() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
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
pub(super) fn span(failures: &[String]) -> String {
    match (failures.first(), failures.last()) {
        (Some(first), Some(last)) => format!("first {first}; last {last}"),
        _ => "none".into(),
    }
}
