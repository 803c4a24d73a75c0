//! Managers of CPUs, memory and topology, and what else kubelet reads when it starts.
//!
//! Source: `pkg/kubelet/cm/cpumanager/policy_options.go`, `.../cpu_manager.go`, `.../topologymanager/policy_options.go`,
//! `.../memorymanager/memory_manager.go`, `pkg/kubelet/sysctl`, `pkg/kubelet/images/pullmanager`.

use std::collections::BTreeMap;

use super::{Context, refuse};
use crate::components::kind::boolean;
use crate::components::rule::unknown_word;
use crate::components::verdict::Verdict;
use crate::config::component_base::OutputRoutingOptions;
use crate::quantity;

/// Options of the static policy, with the first minor in which each is beta or better.
const CPU_OPTIONS: &[(&str, u64)] = &[
    ("full-pcpus-only", 0),
    ("distribute-cpus-across-numa", 0),
    ("align-by-socket", u64::MAX),
    ("distribute-cpus-across-cores", u64::MAX),
    ("strict-cpu-reservation", 0),
    ("prefer-align-cpus-by-uncorecache", 34),
];

const TOPOLOGY_OPTIONS: &[&str] = &["prefer-closest-numa-nodes", "max-allowable-numa-nodes"];

/// Sysctls that are namespaced: names, and beginnings of names.
const NAMESPACED: (&[&str], &[&str]) = (&["kernel.sem"], &["kernel.shm", "kernel.msg", "fs.mqueue.", "net."]);

pub(super) fn judge(context: &Context<'_>) -> Vec<Verdict> {
    let mut verdicts = cpu(context);
    verdicts.extend(topology(context));
    verdicts.extend(memory(context));
    let k = context.k;
    for (i, sysctl) in k.allowed_unsafe_sysctls.iter().enumerate() {
        if let Err(why) = unsafe_sysctl(sysctl) {
            verdicts.push(refuse(format!("allowedUnsafeSysctls.{i}"), why));
        }
    }
    for (i, image) in k.preloaded_images_verification_allowlist.iter().enumerate() {
        if image.trim_end_matches("/*").contains('*') {
            let why =
                format!("{image:?}: a `*` stands for all images below a path, at its end: `example.org/*`");
            verdicts.push(refuse(format!("preloadedImagesVerificationAllowlist.{i}"), why));
        }
    }
    let endpoint = k.tracing.as_ref().and_then(|tracing| tracing.endpoint.as_deref()).unwrap_or_default();
    let url = if endpoint.contains("://") { endpoint.to_owned() } else { format!("dns://{endpoint}") };
    if let Err(why) = crate::config::url::parse(&url) {
        verdicts.push(refuse("tracing.endpoint", why));
    }
    let options = &k.logging.options;
    let buffered = |options: &OutputRoutingOptions| options.info_buffer_size.0 != "0";
    for (path, given) in [("text", buffered(&options.text)), ("json", buffered(&options.json))] {
        if given && context.minor <= 36 && !context.on("LoggingAlphaOptions") {
            verdicts.push(refuse(
                format!("logging.options.{path}.infoBufferSize"),
                "needs the feature gate LoggingAlphaOptions",
            ));
        }
    }
    verdicts
}

fn cpu(context: &Context<'_>) -> Vec<Verdict> {
    let k = context.k;
    let mut verdicts = vec![];
    let fixed = k.cpu_manager_policy == "static";
    for (option, value) in &k.cpu_manager_policy_options {
        let path = format!("cpuManagerPolicyOptions.{option}");
        let known: Vec<&str> = CPU_OPTIONS.iter().map(|(name, _)| *name).collect();
        match CPU_OPTIONS.iter().find(|(name, _)| name == option) {
            _ if !fixed => verdicts.push(refuse(path, "needs `cpuManagerPolicy: static`")),
            None => verdicts.push(refuse(path, format!("option {}", unknown_word(option, &known)))),
            Some((_, beta)) if context.minor < *beta && !context.on("CPUManagerPolicyAlphaOptions") => {
                verdicts.push(refuse(path, "needs the feature gate CPUManagerPolicyAlphaOptions"));
            }
            Some(_) => {
                if let Err(why) = boolean(value) {
                    verdicts.push(refuse(path, why));
                }
            }
        }
    }
    let reserved = |map: &BTreeMap<String, String>| map.get("cpu").is_some_and(|cpu| bytes(cpu) != Some(0));
    if fixed
        && k.reserved_system_cpus.is_empty()
        && !reserved(&k.kube_reserved)
        && !reserved(&k.system_reserved)
    {
        verdicts.push(refuse(
            "cpuManagerPolicy",
            "static needs reserved CPUs: `reservedSystemCPUs`, or `cpu` in `kubeReserved` or `systemReserved`",
        ));
    }
    verdicts
}

fn topology(context: &Context<'_>) -> Vec<Verdict> {
    let k = context.k;
    if matches!(k.topology_manager_policy.as_str(), "" | "none") {
        return vec![];
    }
    let mut verdicts = vec![];
    for (option, value) in &k.topology_manager_policy_options {
        let path = format!("topologyManagerPolicyOptions.{option}");
        let why = match option.as_str() {
            "prefer-closest-numa-nodes" => boolean(value).err(),
            "max-allowable-numa-nodes" => match value.parse::<i64>() {
                Ok(count) if count >= 8 => None,
                _ => Some(format!("{value:?} must be a number, 8 or more")),
            },
            _ => Some(format!("option {}", unknown_word(option, TOPOLOGY_OPTIONS))),
        };
        verdicts.extend(why.map(|why| refuse(path, why)));
    }
    verdicts
}

/// With the static policy, the memory that is reserved of NUMA nodes is what kubelet keeps back.
fn memory(context: &Context<'_>) -> Vec<Verdict> {
    let k = context.k;
    if k.memory_manager_policy != "Static" {
        return vec![];
    }
    let of = |map: &BTreeMap<String, String>| map.get("memory").map_or(Some(0), |memory| bytes(memory));
    // What no threshold is set for has the default's.
    let eviction = match k.eviction_hard.get("memory.available") {
        None if k.eviction_hard.is_empty() => Some(100 << 20),
        None => Some(0),
        Some(threshold) => bytes(threshold),
    };
    let given = k.reserved_memory.iter().flat_map(|r| r.limits.iter().flatten());
    let given = given
        .filter(|(resource, _)| *resource == "memory")
        .try_fold(0_i128, |sum, (_, quantity)| Some(sum + bytes(&quantity.0)?));
    let (Some(given), Some(kube), Some(system), Some(eviction)) =
        (given, of(&k.kube_reserved), of(&k.system_reserved), eviction)
    else {
        return vec![];
    };
    let kept = kube + system + eviction;
    if given == kept {
        return vec![];
    }
    vec![refuse(
        "memoryManagerPolicy",
        format!(
            "Static needs the memory in `reservedMemory`, {given} bytes, to be the sum of `kubeReserved`, `systemReserved` and `evictionHard` (default: 100Mi), {kept} bytes"
        ),
    )]
}

/// The whole number that a quantity stands for, if it is one.
fn bytes(text: &str) -> Option<i128> {
    let canonical = quantity::canonical(text).ok()?;
    let digits = canonical.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: i128 = digits.parse().ok()?;
    let factor = match canonical.strip_prefix(digits)? {
        // Not whole, but not zero either.
        "m" | "u" | "n" => 1,
        suffix => quantity::factor(suffix)?,
    };
    number.checked_mul(factor.into())
}

fn unsafe_sysctl(text: &str) -> Result<(), String> {
    let name = text.strip_suffix('*').unwrap_or(text);
    let part =
        |part: &str| part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c));
    let dotted = name.replace('/', ".");
    if text.len() > 253 || !dotted.split('.').all(part) {
        return Err(format!("{text:?} is not a sysctl: write `net.core.somaxconn`, or `net.core.*`"));
    }
    let (names, beginnings) = NAMESPACED;
    if names.contains(&dotted.as_str()) || beginnings.iter().any(|beginning| dotted.starts_with(beginning)) {
        return Ok(());
    }
    Err(format!(
        "{text:?} is not namespaced: only {} and sysctls that begin with {} can be allowed",
        names.join(", "),
        beginnings.join(", ")
    ))
}
