//! What kubelet refuses of a static Pod, told at the place of the configuration that it comes from.

use k8s_openapi::api::core::v1::Pod;

use super::pod;
use super::subject::Subject;
use super::verdict::Verdict;
use crate::manifest::Component;

pub(super) fn static_pod(component: Component, pod: &Pod, subject: &Subject<'_>) -> Vec<Verdict> {
    let found = pod::judge(pod, subject.kubelet_minor).into_iter().map(|(path, why)| {
        let place = place_in_configuration(component, pod, &path, subject);
        let message = format!("{}'s Pod: {path}: {why}", component.name());
        Verdict::error("static-pod", "ClusterConfiguration", place, message)
            .under("StaticPods")
            .because("kubelet ignores such a manifest, with a line in its log")
    });
    found.collect()
}

/// Where in the configuration a part of a Pod comes from, as far as that can be told.
fn place_in_configuration(component: Component, pod: &Pod, path: &str, subject: &Subject<'_>) -> String {
    let (base, extra_volumes, extra_envs) = subject.extra(component);
    let steps: Vec<&str> = path.split('.').collect();
    let index = |at: usize| steps.get(at).and_then(|step| step.parse::<usize>().ok());
    let spec = pod.spec.as_ref();
    let container = spec.and_then(|spec| spec.containers.first());
    let volume = match steps.as_slice() {
        ["spec", "volumes", ..] => {
            spec.and_then(|s| s.volumes.as_ref()?.get(index(2)?)).map(|volume| volume.name.as_str())
        }
        ["spec", "containers", "0", "volumeMounts", ..] => {
            container.and_then(|c| c.volume_mounts.as_ref()?.get(index(4)?)).map(|mount| mount.name.as_str())
        }
        _ => None,
    };
    if let Some(at) = volume.and_then(|name| extra_volumes.iter().position(|v| v.name == name)) {
        let field = match steps.last() {
            Some(&"mountPath") => ".mountPath",
            Some(&"type") => ".pathType",
            Some(&"path") => ".hostPath",
            Some(&"name") => ".name",
            _ => "",
        };
        return format!("{base}.extraVolumes.{at}{field}");
    }
    if let ["spec", "containers", "0", "env", ..] = steps.as_slice() {
        let env = container.and_then(|c| c.env.as_ref()?.get(index(4)?));
        if let Some(at) = env.and_then(|env| extra_envs.iter().rposition(|e| e.name == env.name)) {
            return format!("{base}.extraEnvs.{at}");
        }
    }
    base.to_owned()
}
