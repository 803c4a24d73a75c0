//! `etcd` and `control-plane`: the static Pods' manifests. Those of etcd and kube-apiserver, which need no kubeconfig,
//! are written before the kubeconfigs are made: the rest of the control plane waits for these two.

use std::path::Path;

use super::context::InitContext;
use super::patched;
use super::phase::{Outcome, Phase, PhaseResult};
use crate::host::{FileMode, Written};
use crate::manifest::{self, Component};
use crate::yaml;

/// etcd's manifest.
pub(super) fn etcd() -> Phase<InitContext> {
    let local =
        Phase::new("local", "Write the static Pod manifest of a local etcd", |c: &mut InitContext| {
            let Some(local) = c.settings.cluster.etcd.local.clone() else {
                return Ok(Outcome::Skipped("External etcd: no manifest for it here".into()));
            };
            c.host.make_dir(Path::new(&local.data_dir), 0o700)?;
            write(c, Component::Etcd, "etcd")
        })
        .following("certs/sa");
    Phase::group("etcd", "Write the static Pod manifest of etcd", vec![local])
}

/// The manifests of kube-apiserver, kube-controller-manager and kube-scheduler.
pub(super) fn phase() -> Phase<InitContext> {
    let step = |name, about, component| {
        Phase::new(name, about, move |c: &mut InitContext| write(c, component, "control-plane"))
    };
    let phases = vec![
        step("apiserver", "Write the static Pod manifest of kube-apiserver", Component::ApiServer)
            .following("etcd/local"),
        step(
            "controller-manager",
            "Write the static Pod manifest of kube-controller-manager",
            Component::ControllerManager,
        ),
        step("scheduler", "Write the static Pod manifest of kube-scheduler", Component::Scheduler),
    ];
    Phase::group("control-plane", "Write the static Pod manifests of the control plane", phases)
}

fn write(context: &mut InitContext, component: Component, area: &str) -> PhaseResult {
    let pod = manifest::render(component, &context.settings, context.pki_facts()?)?;
    let pod = patched::pod(context, component.name(), &pod)?;
    let path = context.settings.paths.manifests.join(component.file());
    let written = context.write(area, &path, yaml::to_string(&pod)?.as_bytes(), FileMode::MANIFEST)?;
    let done = if written == Written::Unchanged { "Keeping" } else { "Wrote" };
    context.out.log(area, format!("{done} the manifest of \"{}\"", component.name()));
    Ok(Outcome::Done)
}
