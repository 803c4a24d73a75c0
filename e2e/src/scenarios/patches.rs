//! The user's patches.

use std::fs;

use anyhow::ensure;

use crate::cluster::{self, mirror};
use crate::config::Config;
use crate::machine::NODE_NAME;
use crate::node::Node;

const FOLDER: &str = "/etc/cluster-patches";

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    fs::create_dir_all(FOLDER)?;
    fs::write(
        format!("{FOLDER}/kube-apiserver0+strategic.yaml"),
        "metadata:\n  annotations:\n    e2e/patched: \"yes\"\n",
    )?;
    fs::write(format!("{FOLDER}/etcd+merge.yaml"), "metadata:\n  labels:\n    e2e: \"0400\"\n")?;
    fs::write(
        format!("{FOLDER}/kube-scheduler+json.json"),
        r#"[{"op": "add", "path": "/metadata/labels/e2e", "value": "on"}]"#,
    )?;
    fs::write(format!("{FOLDER}/kubeletconfiguration0+merge.yaml"), "maxPods: 17\n")?;
    node.init_with(&Config::init(&format!("patches:\n  directory: {FOLDER}")), &[])?;
    cluster::healthy(node)?;
    for (component, place, want) in [
        ("kube-apiserver", "/metadata/annotations/e2e~1patched", "yes"),
        ("etcd", "/metadata/labels/e2e", "0400"),
        ("kube-scheduler", "/metadata/labels/e2e", "on"),
    ] {
        let pod = mirror(node, component)?;
        let got = pod.pointer(place);
        ensure!(got.is_some_and(|v| v == want), "{component}: {place} is {got:?}");
    }
    let found = node.get(&["node", NODE_NAME])?;
    let pods = found.pointer("/status/capacity/pods");
    ensure!(pods.is_some_and(|p| p == "17"), "kubelet takes {pods:?} Pods");
    Ok(())
}
