//! `init` in pieces.

use crate::cluster;
use crate::config::Config;
use crate::left::Left;
use crate::node::{CONFIG, Node};

/// kubeadm's phases in order, with the flags of some.
const PHASES: &[&[&str]] = &[
    &["preflight"],
    &["certs", "all"],
    &["kubeconfig", "all"],
    &["etcd", "local"],
    &["control-plane", "all"],
    &["kubelet-start"],
    &["wait-control-plane"],
    &["upload-config", "all"],
    &["upload-certs", "--upload-certs"],
    &["mark-control-plane"],
    &["bootstrap-token"],
    &["kubelet-finalize", "all"],
    &["addon", "all"],
    &["show-join-command"],
];

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let ignored = node.prepare_init(&Config::default())?;
    for phase in PHASES {
        let mut args = vec!["init", "phase"];
        args.extend(*phase);
        args.extend(["--config", CONFIG]);
        if *phase == ["preflight"] {
            args.push(&ignored);
        }
        node.kubestrap(&args)?;
    }
    cluster::healthy(node)?;
    cluster::finished(node)?;
    let left = Left::of(node)?;
    node.reset()?;
    node.init_with(&Config::default(), &["--upload-certs"])?;
    cluster::healthy(node)?;
    left.same_as(&Left::of(node)?)
}
