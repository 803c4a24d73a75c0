//! `addon`: CoreDNS and kube-proxy.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use serde_json::Value;

use super::context::InitContext;
use super::patched;
use super::phase::{Outcome, Phase, PhaseResult};
use crate::addons::{coredns, kube_proxy};

/// The group.
pub(super) fn phase() -> Phase<InitContext> {
    let phases = vec![
        Phase::new("coredns", "Install CoreDNS, the cluster's DNS", install_coredns),
        Phase::new("kube-proxy", "Install kube-proxy, which makes Services reachable", install_kube_proxy),
    ];
    Phase::group("addon", "Install the addons", phases)
}

fn install_coredns(context: &mut InitContext) -> PhaseResult {
    if context.settings.cluster.dns.disabled {
        return Ok(Outcome::Skipped("CoreDNS is disabled in the configuration".into()));
    }
    let mut existing = coredns::Existing::default();
    if let Some(map) = context.cluster.get("ConfigMap", coredns::NAMESPACE, coredns::NAME)? {
        existing.corefile = map.pointer("/data/Corefile").and_then(Value::as_str).map(str::to_owned);
    }
    if let Some(deployment) = context.cluster.get("Deployment", coredns::NAMESPACE, coredns::NAME)? {
        existing.replicas = deployment.pointer("/spec/replicas").and_then(Value::as_i64);
    }
    let mut plan = coredns::plan(&context.settings, &existing)?;
    if plan.corefile_retained {
        context.out.log(
            "addons",
            "The Corefile in the ConfigMap \"coredns\" was changed by somebody: it stays as it is",
        );
    }
    for object in plan.objects.iter_mut().filter(|o| o.kind() == "Deployment") {
        object.value = patched::typed::<Deployment>(context, coredns::PATCH_TARGET, object.value.clone())?;
    }
    context.apply("addons", plan.objects)?;
    context.out.log("addons", "CoreDNS is installed");
    Ok(Outcome::Done)
}

fn install_kube_proxy(context: &mut InitContext) -> PhaseResult {
    if context.settings.cluster.proxy.disabled {
        return Ok(Outcome::Skipped("kube-proxy is disabled in the configuration".into()));
    }
    for deviation in kube_proxy::deviations(&context.settings) {
        context.out.warn("addons", deviation);
    }
    let mut objects = kube_proxy::objects(&context.settings)?;
    if context.settings.release.patches_kube_proxy {
        for object in objects.iter_mut().filter(|o| o.kind() == "DaemonSet") {
            object.value =
                patched::typed::<DaemonSet>(context, kube_proxy::PATCH_TARGET, object.value.clone())?;
        }
    }
    context.apply("addons", objects)?;
    context.out.log("addons", "kube-proxy is installed");
    Ok(Outcome::Done)
}
