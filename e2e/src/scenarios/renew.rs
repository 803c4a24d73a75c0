//! Certificates that are renewed under a running control plane.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::asking::Asking;
use crate::cluster;
use crate::command::check;
use crate::json::at;
use crate::kill::{When, killed};
use crate::machine::Network;
use crate::node::{Node, PATIENCE};
use crate::wait::eventually;

const PKI: &str = "/etc/kubernetes/pki";
/// Kubeconfigs with certificates that are renewed.
const KUBECONFIGS: &[&str] = &["admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf"];
/// Those that read their certificate once, when they start.
const RESTARTED: &[&str] = &["kube-controller-manager", "kube-scheduler"];
/// Names the component that is being stopped for a restart, with kubelet stopped meanwhile.
const STOPPED: &str = "/run/kubestrap/kubelet-stopped";
/// The ports that certificates are served at, with their files.
const SERVED: &[(u16, &str)] = &[(6443, "apiserver.crt"), (2379, "etcd/server.crt"), (2380, "etcd/peer.crt")];

/// All at once, with what uses them restarted: the API server answers all the time, and the new ones are served.
pub(super) fn restart(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let before = cluster::containers(node)?;
    let old = served()?;
    let asking = Asking::start()?;
    std::thread::sleep(Duration::from_secs(1));
    let output = node.kubestrap(&["certs", "renew", "all", "--restart", "--output", "json"])?;
    let asked = asking.stop()?;
    let result = output.stdout.lines().next_back().context("renew says nothing")?;
    let result: Value = serde_json::from_str(result)?;
    node.note(format!("renewed in {:.1} s, {} requests", output.elapsed.as_secs_f64(), asked.count));
    ensure!(asked.failures.is_empty(), "requests failed:\n  {}", asked.failures.join("\n  "));
    ensure!(asked.count > 10, "the API server was asked {} times only", asked.count);
    ensure!(at(&result, "/restarted") == &serde_json::json!(RESTARTED), "it says: {result}");
    cluster::healthy(node)?;
    let after = cluster::containers(node)?;
    for (component, container) in &before {
        let restarted = after.get(component) != Some(container);
        let wanted = RESTARTED.contains(&component.as_str());
        ensure!(restarted == wanted, "{component} was{} restarted", if restarted { "" } else { " not" });
    }
    for ((port, file), (new, old)) in SERVED.iter().zip(served()?.iter().zip(&old)) {
        ensure!(new != old, "the old certificate is served at {port}");
        ensure!(*new == fingerprint(&Path::new(PKI).join(file))?, "what is served at {port} is not {file}");
    }
    Ok(())
}

/// Killed at every write, `certs renew` leaves each file old or new, and whole.
pub(super) fn kill(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    let mut runs = 0;
    loop {
        let before = contents()?;
        let interrupted = killed(node, &["certs", "renew", "all"], When::Write(runs + 1))?;
        let after = contents()?;
        ensure!(before.keys().eq(after.keys()), "files came or went: {:?}", after.keys());
        for (file, content) in &after {
            if before.get(file) != Some(content) {
                whole(node, file).with_context(|| format!("killed at write {}", runs + 1))?;
            }
        }
        if !interrupted {
            break;
        }
        runs += 1;
    }
    ensure!(runs > 20, "only {runs} writes were seen");
    node.note(format!("{runs} runs killed"));
    node.kubestrap(&["certs", "renew", "all", "--restart"])?;
    for file in contents()?.keys() {
        whole(node, file)?;
        let key = file.with_extension("key");
        if file.extension().is_some_and(|e| e == "crt") {
            let of_key = check("openssl", &["pkey", "-pubout", "-in", &key.to_string_lossy()])?.stdout;
            let of_cert = check("openssl", &["x509", "-noout", "-pubkey", "-in", &file.to_string_lossy()])?;
            ensure!(of_key == of_cert.stdout, "{} is not for its key", file.display());
        }
    }
    ensure!(leftovers()?.is_empty(), "temporary files are left: {:?}", leftovers()?);
    cluster::healthy(node)?;
    while_kubelet_is_stopped(node)
}

/// Killed while kubelet is stopped for a restart, the next run starts it, and completes the restarts.
fn while_kubelet_is_stopped(node: &Node) -> anyhow::Result<()> {
    let before = cluster::containers(node)?;
    let renew = ["certs", "renew", "all", "--restart"];
    ensure!(killed(node, &renew, When::Filled(STOPPED))?, "it ended before it was killed");
    eventually("kubelet is stopped", PATIENCE, || {
        ensure!(node.run("systemctl", &["is-active", "kubelet"])?.code != Some(0), "kubelet is active");
        Ok(())
    })?;
    let next = node.kubestrap(&["certs", "renew", "--restart"])?;
    node.note(format!("completed in {:.1} s", next.elapsed.as_secs_f64()));
    ensure!(!Path::new(STOPPED).exists(), "{STOPPED} is left");
    cluster::healthy(node)?;
    let after = cluster::containers(node)?;
    for component in RESTARTED {
        ensure!(after.get(*component) != before.get(*component), "{component} was not restarted");
    }
    Ok(())
}

/// The fingerprints of what is served.
fn served() -> anyhow::Result<Vec<String>> {
    let address = Network::alone().address;
    let of = |(port, _): &(u16, &str)| {
        let line = format!(
            "openssl s_client -connect {address}:{port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
        );
        Ok(check("sh", &["-c", &line])?.stdout)
    };
    SERVED.iter().map(of).collect()
}

fn fingerprint(file: &Path) -> anyhow::Result<String> {
    let file = file.to_string_lossy();
    Ok(check("openssl", &["x509", "-noout", "-fingerprint", "-sha256", "-in", &file])?.stdout)
}

/// The files that renewal writes, and what is in them.
fn contents() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let confs = KUBECONFIGS.iter().map(|name| Path::new("/etc/kubernetes").join(name));
    let named = |p: &PathBuf| p.extension().is_some_and(|e| e == "crt" || e == "key");
    let files = entries()?.into_iter().filter(named).chain(confs);
    files.map(|f| Ok((f.clone(), fs::read(&f).with_context(|| f.display().to_string())?))).collect()
}

/// All that lies in the PKI's folders.
fn entries() -> anyhow::Result<Vec<PathBuf>> {
    let mut all = vec![];
    for folder in [PKI.to_owned(), format!("{PKI}/etcd"), "/etc/kubernetes".to_owned()] {
        for entry in fs::read_dir(folder)? {
            all.push(entry?.path());
        }
    }
    Ok(all)
}

fn leftovers() -> anyhow::Result<Vec<PathBuf>> {
    let hidden = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    Ok(entries()?.into_iter().filter(hidden).collect())
}

/// # Errors
/// When `file` does not hold what its name says, to its end.
fn whole(node: &Node, file: &Path) -> anyhow::Result<()> {
    let shown = file.to_string_lossy();
    match file.extension().and_then(|e| e.to_str()) {
        Some("crt") => check("openssl", &["x509", "-noout", "-in", &shown]).map(drop),
        Some("key") => check("openssl", &["pkey", "-noout", "-in", &shown]).map(drop),
        Some("conf") => {
            node.run("kubectl", &["--kubeconfig", &shown, "get", "--raw", "/readyz"])?.success().map(drop)
        }
        _ => bail!("{shown} is not known"),
    }
}
