//! Fields that hold several values.

use super::{Context, refuse};
use crate::components::TAINT_EFFECTS;
use crate::components::rule::unknown_word;
use crate::components::rules::common::{CIPHERS, without_http2};
use crate::components::rules::kubelet::{name, qualified};
use crate::components::verdict::Verdict;

/// What `enforceNodeAllocatable` takes.
const ENFORCEMENTS: &[&str] = &[
    "pods",
    "system-reserved",
    "system-reserved-compressible",
    "kube-reserved",
    "kube-reserved-compressible",
    "none",
];

pub(super) fn judge(context: &Context<'_>) -> Vec<Verdict> {
    let mut verdicts = taints(context);
    verdicts.extend(enforcements(context));
    for (i, suite) in context.k.tls_cipher_suites.iter().enumerate() {
        if !CIPHERS.contains(&suite.as_str()) {
            verdicts.push(refuse(format!("tlsCipherSuites.{i}"), unknown_word(suite, CIPHERS)));
        }
    }
    let suites = context.k.tls_cipher_suites.iter().map(String::as_str);
    if let Some(why) = without_http2(suites, &context.k.tls_min_version) {
        verdicts.push(refuse("tlsCipherSuites", why));
    }
    for (i, address) in context.k.cluster_dns.iter().flatten().enumerate() {
        if crate::config::names::ip(address).is_none() {
            let why =
                format!("{address:?} is not an IP address: kubelet leaves it out of the Pods' resolv.conf");
            verdicts.push(refuse(format!("clusterDNS.{i}"), why).warning());
        }
    }
    for (i, item) in context.k.logging.vmodule.iter().enumerate() {
        if item.file_pattern.is_empty() || item.file_pattern.contains(['=', ',']) {
            verdicts.push(refuse(
                format!("logging.vmodule.{i}.filePattern"),
                "must not be empty and must not contain `=` or `,`",
            ));
        }
    }
    if let Some(rate) = context.k.tracing.as_ref().and_then(|tracing| tracing.sampling_rate_per_million)
        && !(0..=1_000_000).contains(&rate)
    {
        verdicts.push(refuse("tracing.samplingRatePerMillion", "must be 0 to 1000000"));
    }
    verdicts
}

fn taints(context: &Context<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![];
    for (i, taint) in context.k.register_with_taints.iter().enumerate() {
        let path = format!("registerWithTaints.{i}");
        if !qualified(&taint.key) {
            verdicts.push(refuse(
                format!("{path}.key"),
                format!("{:?} is not a valid key of a taint", taint.key),
            ));
        }
        if !taint.value.is_empty() && !name(&taint.value) {
            verdicts.push(refuse(
                format!("{path}.value"),
                format!("{:?} is not a valid value of a taint", taint.value),
            ));
        }
        if !TAINT_EFFECTS.contains(&taint.effect.as_str()) {
            verdicts.push(refuse(
                format!("{path}.effect"),
                format!(
                    "{:?} must be NoSchedule, PreferNoSchedule or NoExecute; the API server refuses the Node",
                    taint.effect
                ),
            ));
        }
    }
    verdicts
}

fn enforcements(context: &Context<'_>) -> Vec<Verdict> {
    let k = context.k;
    let given: Vec<&str> = k.enforce_node_allocatable.iter().map(String::as_str).collect();
    let mut verdicts = vec![];
    for side in ["system-reserved", "kube-reserved"] {
        if given.contains(&side) && given.contains(&format!("{side}-compressible").as_str()) {
            let why = format!("`{side}` and `{side}-compressible` exclude each other");
            verdicts.push(refuse("enforceNodeAllocatable", why));
        }
    }
    for (i, enforcement) in given.iter().enumerate() {
        let path = format!("enforceNodeAllocatable.{i}");
        if given.iter().take(i).any(|earlier| earlier == enforcement) {
            verdicts.push(refuse(path, format!("{enforcement:?} is given twice")));
            continue;
        }
        match *enforcement {
            "none" => {
                if given.len() > 1 {
                    verdicts.push(refuse(path, "`none` excludes all others"));
                }
                continue;
            }
            "system-reserved" | "system-reserved-compressible" if k.system_reserved_cgroup.is_empty() => {
                verdicts.push(refuse(path.clone(), format!("`{enforcement}` needs `systemReservedCgroup`")));
            }
            "kube-reserved" | "kube-reserved-compressible" if k.kube_reserved_cgroup.is_empty() => {
                verdicts.push(refuse(path.clone(), format!("`{enforcement}` needs `kubeReservedCgroup`")));
            }
            other if !ENFORCEMENTS.contains(&other) => {
                verdicts.push(refuse(path, unknown_word(other, ENFORCEMENTS)));
                continue;
            }
            _ => {}
        }
        if k.cgroups_per_qos == Some(false) {
            verdicts.push(refuse(path, format!("`{enforcement}` needs `cgroupsPerQOS: true`")));
        }
    }
    // Without a value kubelet enforces `pods`.
    if given.is_empty() && k.cgroups_per_qos == Some(false) {
        verdicts.push(refuse(
            "cgroupsPerQOS",
            "false needs `enforceNodeAllocatable: [none]`; the default enforces `pods`",
        ));
    }
    verdicts
}
