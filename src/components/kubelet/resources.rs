//! Quantities: what is reserved, thresholds of eviction, sizes of logs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, refuse};
use crate::components::rule::unknown_word;
use crate::components::verdict::Verdict;
use crate::config::duration::GoDuration;
use crate::quantity;

/// What can be reserved.
const RESERVABLE: &[&str] = &["cpu", "memory", "ephemeral-storage", "pid"];

/// What eviction watches.
const SIGNALS: &[&str] = &[
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "containerfs.available",
    "containerfs.inodesFree",
    "allocatableMemory.available",
    "pid.available",
];

pub(super) fn judge(context: &Context<'_>) -> Vec<Verdict> {
    let k = context.k;
    let mut verdicts = vec![];
    for (field, map) in [("systemReserved", &k.system_reserved), ("kubeReserved", &k.kube_reserved)] {
        for (resource, value) in map {
            let path = format!("{field}.{resource}");
            if !RESERVABLE.contains(&resource.as_str()) {
                verdicts.push(refuse(path, format!("resource {}", unknown_word(resource, RESERVABLE))));
            } else if let Err(why) = amount(value) {
                verdicts.push(refuse(path, why));
            }
        }
    }
    for (resource, value) in &k.qos_reserved {
        let path = format!("qosReserved.{resource}");
        if resource != "memory" {
            verdicts.push(refuse(path, "only memory can be reserved"));
        } else if !percentage(value)
            .is_some_and(|percent| (0.0..=100.0).contains(&percent) && percent.fract() == 0.0)
        {
            verdicts.push(refuse(path, format!("{value:?} is not a percentage: write `50%`")));
        }
    }
    if !k.container_log_max_size.is_empty()
        && let Err(why) = log_size(&k.container_log_max_size)
    {
        verdicts.push(refuse("containerLogMaxSize", why));
    }
    verdicts.extend(evictions(context));
    verdicts.extend(reserved_memory(context));
    verdicts
}

/// A size in whole bytes: kubelet reads no fraction of a binary unit.
fn log_size(value: &str) -> Result<(), String> {
    amount(value)?;
    if value.contains('.') && value.ends_with('i') {
        return Err(format!("{value} must not be a fraction: write `1536Ki` for `1.5Mi`"));
    }
    Ok(())
}

/// A quantity that is not negative.
fn amount(value: &str) -> Result<(), String> {
    if value.trim() != value {
        return Err(format!("{value:?} must not have blanks around it"));
    }
    let canonical = quantity::canonical(value).map_err(|error| error.to_string())?;
    if canonical.starts_with('-') { Err(format!("{value} must not be negative")) } else { Ok(()) }
}

fn percentage(value: &str) -> Option<f64> {
    value.strip_suffix('%')?.parse().ok()
}

/// A quantity, or a part of the whole in percent.
fn threshold(value: &str) -> Result<(), String> {
    if value.ends_with('%') {
        return match percentage(value) {
            Some(percent) if percent < 0.0 => Err(format!("{value} must not be negative")),
            Some(percent) if percent > 100.0 => Err(format!("{value} must not be more than 100%")),
            Some(_) => Ok(()),
            None => Err(format!("{value:?} is not a percentage: write `10%`")),
        };
    }
    amount(value)?;
    if quantity::canonical(value).is_ok_and(|canonical| canonical == "0") {
        return Err(format!("{value} must be more than 0"));
    }
    Ok(())
}

/// 0% and 100% turn a threshold off.
fn turned_off(value: &str) -> bool {
    matches!(value, "0%" | "100%")
}

fn evictions(context: &Context<'_>) -> Vec<Verdict> {
    let k = context.k;
    let mut verdicts = vec![];
    let mut known = |field: &str, map: &BTreeMap<String, String>, read: fn(&str) -> Result<(), String>| {
        for (signal, value) in map {
            let path = format!("{field}.{signal}");
            if !SIGNALS.contains(&signal.as_str()) {
                verdicts.push(refuse(path, format!("signal {}", unknown_word(signal, SIGNALS))));
            } else if let Err(why) = read(value) {
                verdicts.push(refuse(path, why));
            }
        }
    };
    known("evictionHard", &k.eviction_hard, threshold);
    known("evictionSoft", &k.eviction_soft, threshold);
    known("evictionMinimumReclaim", &k.eviction_minimum_reclaim, |value| match percentage(value) {
        Some(percent) if percent <= 0.0 => Err(format!("{value} must be more than 0%")),
        Some(_) => Ok(()),
        None => amount(value),
    });
    known("evictionSoftGracePeriod", &k.eviction_soft_grace_period, |value| {
        match value.parse::<GoDuration>() {
            Ok(period) if period.0 < 0 => Err(format!("{value} must not be negative")),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
    for (signal, value) in &k.eviction_soft {
        if !turned_off(value) && !k.eviction_soft_grace_period.contains_key(signal) {
            verdicts.push(refuse(
                format!("evictionSoft.{signal}"),
                format!("needs a grace period: `evictionSoftGracePeriod: {{{signal}: 1m30s}}`"),
            ));
        }
    }
    verdicts
}

fn reserved_memory(context: &Context<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![];
    let mut seen = BTreeSet::new();
    for (i, reservation) in context.k.reserved_memory.iter().enumerate() {
        for (resource, quantity) in reservation.limits.iter().flatten() {
            let path = format!("reservedMemory.{i}.limits.{resource}");
            if resource != "memory" && !resource.starts_with("hugepages-") {
                verdicts.push(refuse(path.clone(), "only memory and hugepages-SIZE can be reserved"));
            }
            if quantity.0 == "0" {
                verdicts.push(refuse(path.clone(), "must not be zero"));
            }
            if !seen.insert((reservation.numa_node, resource)) {
                verdicts
                    .push(refuse(path, format!("is given twice for NUMA node {}", reservation.numa_node)));
            }
        }
    }
    verdicts
}
