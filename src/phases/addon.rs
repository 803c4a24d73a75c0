//! `addon`: CoreDNS and kube-proxy.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use serde_json::Value;

use crate::addons::{coredns, kube_proxy};
use crate::workflow::{Outcome, PhaseResult, Run, Verb, apply_typed_patches};

/// Installs CoreDNS.
///
/// # Errors
/// When a patch or an object can't be applied.
pub(crate) fn coredns(run: &mut Run) -> PhaseResult {
    run.set_area("addons");
    if run.settings.cluster.config.dns.disabled {
        return Ok(Outcome::Skipped("Skipping CoreDNS: it is disabled in the configuration".into()));
    }
    let mut existing = coredns::Existing::default();
    if let Some(map) = run.cluster.get("ConfigMap", coredns::NAMESPACE, coredns::NAME)? {
        existing.corefile = map.pointer("/data/Corefile").and_then(Value::as_str).map(str::to_owned);
    }
    if let Some(deployment) = run.cluster.get("Deployment", coredns::NAMESPACE, coredns::NAME)? {
        existing.replicas = deployment.pointer("/spec/replicas").and_then(Value::as_i64);
    }
    let mut plan = coredns::plan(&run.settings, &existing)?;
    if plan.corefile_retained {
        run.log("Keeping the Corefile in ConfigMap \"coredns\": it was customized");
    }
    for object in plan.objects.iter_mut().filter(|o| o.kind() == "Deployment") {
        object.value = apply_typed_patches::<Deployment>(run, coredns::PATCH_TARGET, object.value.clone())?;
    }
    run.act(Verb::Apply, "essential addon: CoreDNS");
    run.apply(plan.objects)?;
    run.done_as_kubeadm("Applied essential addon: CoreDNS");
    Ok(Outcome::Done)
}

/// Installs kube-proxy.
///
/// # Errors
/// When a patch or an object can't be applied.
pub(crate) fn kube_proxy(run: &mut Run) -> PhaseResult {
    run.set_area("addons");
    if run.settings.cluster.config.proxy.disabled {
        return Ok(Outcome::Skipped("Skipping kube-proxy: it is disabled in the configuration".into()));
    }
    for deviation in kube_proxy::deviations(&run.settings) {
        run.warn(deviation);
    }
    let mut objects = kube_proxy::objects(&run.settings)?;
    if run.settings.cluster.release.patches_kube_proxy {
        for object in objects.iter_mut().filter(|o| o.kind() == "DaemonSet") {
            object.value =
                apply_typed_patches::<DaemonSet>(run, kube_proxy::PATCH_TARGET, object.value.clone())?;
        }
    }
    run.act(Verb::Apply, "essential addon: kube-proxy");
    run.apply(objects)?;
    run.done_as_kubeadm("Applied essential addon: kube-proxy");
    Ok(Outcome::Done)
}
