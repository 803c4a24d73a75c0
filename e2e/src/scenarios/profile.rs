//! `init --profile`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::rerun;
use crate::cluster;
use crate::command;
use crate::config::Config;
use crate::node::Node;
use crate::wait::eventually;

const FOLDER: &str = "/etc/kubernetes/cis";
const AUDIT_LOG: &str = "/var/log/kubernetes/audit/audit.log";
const POD: &str = "/etc/privileged-pod.json";
const PKI: &str = "/etc/kubernetes/pki/etcd";

/// The CIS profile.
pub(super) fn cis(node: &Node) -> anyhow::Result<()> {
    let init = || node.init_with(&Config::default(), &["--profile", "cis"]);
    init()?;
    cluster::healthy(node)?;
    for file in ["encryption.yaml", "audit-policy.yaml", "admission.yaml"] {
        let mode = fs::metadata(format!("{FOLDER}/{file}")).context(file)?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{file} has mode {mode:o}");
    }
    node.kubectl(&["create", "secret", "generic", "sealed", "--from-literal=word=open-sesame"])?;
    let stored = in_etcd("/registry/secrets/default/sealed")?;
    ensure!(stored.contains("k8s:enc:secretbox:v1:key1:"), "the Secret is stored as {stored:?}");
    ensure!(!stored.contains("open-sesame"), "the Secret is stored readable");
    ensure!(node.kubectl(&["get", "secret", "sealed", "-o", "jsonpath={.data.word}"])? == "b3Blbi1zZXNhbWU=");
    let log = fs::read_to_string(AUDIT_LOG).context("no audit log")?;
    let line =
        log.lines().find(|line| line.contains("\"name\":\"sealed\"") && line.contains("\"verb\":\"create\""));
    ensure!(line.is_some_and(|line| !line.contains("b3Blbi1zZXNhbWU")), "the audit log has {line:?}");
    // Without it, a Pod is refused for another reason.
    let account = || node.kubectl(&["get", "serviceaccount", "default"]);
    eventually("the ServiceAccount default", Duration::from_secs(30), account)?;
    fs::write(
        POD,
        r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "open"}, "spec": {"containers": [{"name": "c", "image": "none", "securityContext": {"privileged": true}}]}}"#,
    )?;
    let refused = node.kubectl(&["create", "--raw", "/api/v1/namespaces/default/pods", "-f", POD]);
    ensure!(
        refused.as_ref().is_err_and(|why| format!("{why:#}").contains("PodSecurity")),
        "a privileged Pod: {refused:?}"
    );
    rerun::changes_nothing(node, init)?;
    let said = node.reset()?;
    ensure!(said.stderr.contains("Keeping /etc/kubernetes/cis"), "reset does not tell what it keeps");
    let key = fs::read(format!("{FOLDER}/encryption.yaml"))?;
    init()?;
    cluster::healthy(node)?;
    ensure!(fs::read(format!("{FOLDER}/encryption.yaml"))? == key, "the encryption key was made again");
    Ok(())
}

/// A key's value in etcd, as far as it is text.
fn in_etcd(key: &str) -> anyhow::Result<String> {
    ensure!(Path::new(PKI).exists(), "no etcd here");
    let output = command::check(
        "etcdctl",
        &[
            "--endpoints=https://127.0.0.1:2379",
            &format!("--cacert={PKI}/ca.crt"),
            &format!("--cert={PKI}/healthcheck-client.crt"),
            &format!("--key={PKI}/healthcheck-client.key"),
            "get",
            "--print-value-only",
            key,
        ],
    )?;
    Ok(output.stdout)
}
