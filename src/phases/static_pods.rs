//! `etcd` and `control-plane`: the static Pod manifests.

use std::path::Path;

use k8s_openapi::api::core::v1::Pod;

use super::profile_files;
use crate::error::Error;
use crate::host::{FileMode, Written};
use crate::manifest::{self, Component};
use crate::node::{StaticPod, joined_members};
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Verb, apply_pod_patches};
use crate::yaml;

/// The phases of `control-plane`, one a component.
pub(crate) fn phases<S: AsMut<Run> + 'static>() -> Vec<Phase<S>> {
    let phase = |name, about, component| Phase::shared(name, about, move |run| write(run, component));
    vec![
        phase("apiserver", "Write the kube-apiserver static Pod manifest", Component::ApiServer),
        phase(
            "controller-manager",
            "Write the kube-controller-manager static Pod manifest",
            Component::ControllerManager,
        ),
        phase("scheduler", "Write the kube-scheduler static Pod manifest", Component::Scheduler),
    ]
}

/// Writes the manifest of a local etcd, and creates its data folder.
///
/// # Errors
/// When one of them can't be made, or a patch can't be applied.
pub(crate) fn etcd(run: &mut Run) -> PhaseResult {
    let Some(local) = run.settings.cluster.config.etcd.local.clone() else {
        return Ok(Outcome::Skipped("Skipping the etcd manifest: etcd is external".into()));
    };
    run.host.make_dir(Path::new(&local.data_dir), 0o700)?;
    write(run, Component::Etcd)
}

/// Writes the manifest of a component.
///
/// # Errors
/// When it can't be written, or a patch can't be applied.
pub(crate) fn write(run: &mut Run, component: Component) -> PhaseResult {
    if component == Component::ApiServer {
        profile_files::write(run)?;
    }
    let pod = render(run, component)?;
    write_pod(run, component, &pod)
}

/// The Pod of a component on this node, without patches. An etcd member that joined others keeps the flags it joined with:
/// etcd no longer reads them, and another manifest would restart it for nothing.
///
/// # Errors
/// When the CA's files can't be read, or a template is wrong.
pub(crate) fn render(run: &Run, component: Component) -> Result<Pod, Error> {
    if component == Component::Etcd
        && let Ok(Some(existing)) = StaticPod::read(&run.settings.node.paths.manifests, component, &*run.host)
        && let Some(members) =
            joined_members(&existing, run.settings.node_name(), &run.settings.etcd_peer_url())
    {
        return Ok(manifest::render_joining_etcd(&run.settings, &members)?);
    }
    Ok(manifest::render(component, &run.settings, run.pki_facts()?)?)
}

/// Writes the manifest of an etcd member that joins those that `initial_cluster` names.
///
/// # Errors
/// When it can't be written, or a patch can't be applied.
pub(crate) fn write_joining_etcd(run: &mut Run, initial_cluster: &str) -> PhaseResult {
    let pod = manifest::render_joining_etcd(&run.settings, initial_cluster)?;
    write_pod(run, Component::Etcd, &pod)
}

fn write_pod(run: &mut Run, component: Component, pod: &Pod) -> PhaseResult {
    let pod = apply_pod_patches(run, component.name(), pod)?;
    let path = run.settings.node.paths.manifests.join(component.file());
    let written = run.write(&path, yaml::to_string(&pod)?.as_bytes(), FileMode::MANIFEST)?;
    match written {
        Written::Unchanged => {
            run.log(format!("Using existing static Pod manifest for \"{}\"", component.name()));
        }
        _ => run.act(Verb::Write, format!("static Pod manifest for \"{}\"", component.name())),
    }
    Ok(Outcome::Done)
}
