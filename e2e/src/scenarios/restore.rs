//! A control plane that is destroyed, and set up again from its backup on another machine.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::join::{as_worker, init_behind_balancer, is_control_plane, joined};
use super::rotate_ca::works;
use crate::balancer::Balancer;
use crate::json::at;
use crate::neighbour::{Neighbour, ignored_checks};
use crate::node::{Node, PATIENCE};
use crate::wait::eventually;

/// Under another name and address: the same objects, the worker comes back by itself, and what was edited by hand is told.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let _balancer = Balancer::start(1..=2)?;
    let (mut first, join) = init_behind_balancer(node)?;
    is_control_plane(node, &first)?;
    let worker = Neighbour::new(node, 3)?;
    joined(node, &worker, "kubestrap", &as_worker(&join))?;
    works(node, &worker)?;
    node.kubectl(&["create", "configmap", "kept", "--from-literal=key=value"])?;
    let scheduler = "/etc/kubernetes/manifests/kube-scheduler.yaml";
    first.run(&["sed", "-i", "s/- kube-scheduler$/&\\n    - --v=1/", scheduler])?.success()?;
    let passphrase = first.put("passphrase", "correct horse\n")?;
    let backup = ["kubestrap", "backup", "--passphrase-file", &passphrase, "/e2e/logs/node.age"];
    let backup = first.run(&backup)?.success()?;
    node.note(format!("backup {:.1} s", backup.elapsed.as_secs_f64()));
    let before = objects(node)?;

    first.cut();
    let start = Instant::now();
    let second = Neighbour::new(node, 2)?;
    fs::copy(
        format!("/e2e/logs/{}/node.age", first.name()),
        format!("/e2e/logs/{}/node.age", second.name()),
    )?;
    let passphrase = second.put("passphrase", "correct horse\n")?;
    let ignored = ignored_checks();
    let restore = ["kubestrap", "restore", "--passphrase-file", &passphrase, &ignored, "/e2e/logs/node.age"];
    let restored = second.run(&restore)?.success()?;
    node.note(format!("restore {:.1} s", restored.elapsed.as_secs_f64()));
    ensure!(
        restored.stderr.contains("manifest of kube-scheduler was patched or edited")
            && restored.stderr.contains("+    - --v=1"),
        "the edited manifest is not told: {}",
        restored.stderr
    );
    ensure!(
        restored.stderr.matches("was patched or edited").count() == 1,
        "more manifests are told of than were edited: {}",
        restored.stderr
    );
    is_control_plane(node, &second)?;
    works(node, &worker).context("the worker, which nobody touched")?;
    node.note(format!("destroyed to worker {:.1} s", start.elapsed().as_secs_f64()));
    same(&before, &objects(node)?)?;
    eventually("etcd is healthy", PATIENCE, || second.run(&["kubestrap", "etcd", "health"])?.success())
        .map(drop)
}

/// The objects that nothing changes by itself, by kind, namespace and name, without what the API server alone sets.
pub(super) fn objects(node: &Node) -> anyhow::Result<BTreeMap<String, Value>> {
    let kinds = "namespaces,configmaps,secrets,serviceaccounts,services,deployments,daemonsets,roles,rolebindings,clusterroles,clusterrolebindings";
    let mut listed = node.get(&[kinds, "--all-namespaces"])?;
    let mut all = BTreeMap::new();
    for mut object in
        listed.pointer_mut("/items").and_then(Value::as_array_mut).into_iter().flatten().map(Value::take)
    {
        let name = ["/kind", "/metadata/namespace", "/metadata/name"]
            .map(|field| at(&object, field).as_str().unwrap_or_default())
            .join("/");
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            for field in ["resourceVersion", "managedFields", "generation"] {
                metadata.remove(field);
            }
        }
        all.insert(name, object);
    }
    ensure!(all.len() > 50, "only {} objects are listed", all.len());
    Ok(all)
}

/// Each object of before is there, with the same content.
pub(super) fn same(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> anyhow::Result<()> {
    for (name, object) in before {
        let now = after.get(name).with_context(|| format!("{name} is lost"))?;
        ensure!(object == now, "{name} was changed:\n{object}\n{now}");
    }
    Ok(())
}
