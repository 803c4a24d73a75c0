//! What kubelet's flags say of a node: its taints, and what is kept of its memory.

use super::items;
use crate::quantity;

pub(super) fn threshold(item: &str) -> Result<(), String> {
    if item.split('<').count() == 2 {
        Ok(())
    } else {
        Err(format!("{item:?} is not a threshold: write `memory.available<100Mi`"))
    }
}

/// The taints of kubelet's flag: `key=value:effect` or `key:effect`.
pub(super) fn taints(value: &str) -> Result<(), String> {
    use super::super::rules::kubelet::{name, qualified};
    let mut seen = vec![];
    for item in items(value) {
        let spelt = || format!("{item:?} is not a taint: write `key=value:NoSchedule` or `key:NoSchedule`");
        // One that ends with `-` takes a taint away, and is read in the same way.
        let (adds, bare) = item.strip_suffix('-').map_or((true, item), |bare| (false, bare));
        let (pair, effect) = match bare.split_once(':') {
            Some((pair, effect)) => (pair, Some(effect)),
            None => (bare, None),
        };
        let (key, value) = match effect {
            Some(_) => pair.split_once('=').unwrap_or((pair, "")),
            None => (pair, ""),
        };
        let known = effect.is_none_or(|effect| super::super::TAINT_EFFECTS.contains(&effect));
        if !known {
            return Err(format!("{item:?}: the effect must be {}", super::super::TAINT_EFFECTS.join(", ")));
        }
        if !qualified(key) || !(value.is_empty() || name(value)) || (adds && effect.is_none()) {
            return Err(spelt());
        }
        if adds && seen.contains(&(key, effect)) {
            return Err(format!("{item:?}: key and effect are given twice"));
        }
        seen.extend(adds.then_some((key, effect)));
    }
    Ok(())
}

/// What is reserved of a NUMA node: its number, and how much of what.
type Reserved<'a> = (i32, Vec<(&'a str, &'a str)>);

/// The memory that kubelet's flag reserves.
pub(in crate::components) fn reserved_memory(value: &str) -> Result<Vec<Reserved<'_>>, String> {
    value.split(';').filter(|_| !value.is_empty()).map(reserved_of_node).collect()
}

fn reserved_of_node(part: &str) -> Result<Reserved<'_>, String> {
    let spelt = || format!("{part:?} reserves no memory: write `0:memory=1Gi,hugepages-2M=1Gi`");
    let (node, limits) = part.split_once(':').filter(|(_, rest)| !rest.contains(':')).ok_or_else(spelt)?;
    let node = node.parse().map_err(|_| spelt())?;
    let mut reserved = vec![];
    for item in limits.split(',') {
        let (kind, amount) = item.split_once('=').ok_or_else(spelt)?;
        if kind != "memory" && !kind.starts_with("hugepages-") {
            return Err(format!("{item:?}: only memory and hugepages-SIZE can be reserved"));
        }
        quantity::canonical(amount).map_err(|error| error.to_string())?;
        reserved.push((kind, amount));
    }
    Ok((node, reserved))
}
