//! Feature gates of Kubernetes' components, by minor.

use super::verdict::Verdict;

/// A line a gate: its name, and its state in 1.33, 1.34, 1.35 and 1.36: `.` unknown, `a`, `b`, `g` or `d` for alpha, beta,
/// GA or deprecated, `+` or `-` for on or off by default, `!` where it can't be changed, `~` where only its name is known.
/// Source: `pkg/features` and the features of the staging repositories, of each minor.
const GATES: &str = include_str!("../../templates/feature-gates.txt");

/// The first and the last minor of the table.
const FIRST: u64 = 33;
const LAST: u64 = 36;

/// Gates that 1.37 removed (its release notes).
const REMOVED_IN_37: &[&str] = &[
    "SidecarContainers",
    "AnyVolumeDataSource",
    "RelaxedDNSSearchValidation",
    "RetryGenerateName",
    "BtreeWatchCache",
    "OrderedNamespaceDeletion",
    "StreamingCollectionEncodingToJSON",
    "StreamingCollectionEncodingToProtobuf",
    "APIServerTracing",
    "ResilientWatchCacheInitialization",
    "ConsistentListFromCache",
    "GangScheduling",
    "WorkloadAwarePreemption",
    "PreventStaticPodAPIReferences",
];

/// A gate, one that it depends on, and the first minor whose components refuse the one without the other. Left out are
/// dependencies on gates that can't be turned off.
/// Source: `defaultKubernetesFeatureGateDependencies` in `pkg/features`, and `component-base/featuregate`.
const DEPENDENCIES: &[(&str, &str, u64)] = &[
    ("ClusterTrustBundleProjection", "ClusterTrustBundle", 35),
    ("DRADeviceBindingConditions", "DRAResourceClaimDeviceStatus", 35),
    ("DRADeviceTaintRules", "DRADeviceTaints", 35),
    ("DRAResourceClaimGranularStatusAuthorization", "DRAResourceClaimDeviceStatus", 36),
    ("DRAWorkloadResourceClaims", "GenericWorkload", 36),
    ("DeclarativeValidationTakeover", "DeclarativeValidation", 35),
    ("ExtendWebSocketsToKubelet", "NodeDeclaredFeatures", 36),
    ("GangScheduling", "GenericWorkload", 35),
    ("GracefulNodeShutdownBasedOnPodPriority", "GracefulNodeShutdown", 35),
    ("InPlacePodLevelResourcesVerticalScaling", "NodeDeclaredFeatures", 35),
    ("InPlacePodLevelResourcesVerticalScaling", "PodLevelResources", 35),
    ("InPlacePodVerticalScalingInitContainers", "NodeDeclaredFeatures", 36),
    ("MatchLabelKeysInPodTopologySpreadSelectorMerge", "MatchLabelKeysInPodTopologySpread", 35),
    ("PodLevelResourceManagers", "PodLevelResources", 36),
    ("ProcMountType", "UserNamespacesSupport", 35),
    ("ResourceHealthStatusMessage", "ResourceHealthStatus", 36),
    ("RestartAllContainersOnContainerExits", "ContainerRestartRules", 35),
    ("RestartAllContainersOnContainerExits", "NodeDeclaredFeatures", 35),
    ("StorageVersionAPI", "APIServerIdentity", 35),
    ("TopologyAwareWorkloadScheduling", "GenericWorkload", 36),
    ("UnknownVersionInteroperabilityProxy", "APIServerIdentity", 35),
    ("UserNamespacesHostNetworkSupport", "NodeDeclaredFeatures", 36),
    ("UserNamespacesHostNetworkSupport", "UserNamespacesSupport", 35),
    ("WindowsGracefulNodeShutdown", "GracefulNodeShutdown", 35),
    ("WorkloadAwarePreemption", "GangScheduling", 36),
    ("WorkloadWithJob", "GenericWorkload", 36),
];

/// The state of a gate in a minor.
fn state(line: &str, minor: u64) -> &str {
    let column = usize::try_from(minor.clamp(FIRST, LAST) - FIRST).unwrap_or_default();
    line.split(' ').nth(column + 1).unwrap_or(".")
}

fn line(name: &str) -> Option<&'static str> {
    GATES.lines().find(|line| line.split(' ').next() == Some(name))
}

/// Whether a gate is on where nobody sets it.
fn default(name: &str, minor: u64) -> bool {
    line(name).is_some_and(|line| state(line, minor).contains('+'))
}

/// Whether a gate is on, given what is set.
pub(super) fn enabled(set: &[(String, bool)], name: &str, minor: u64) -> bool {
    let stage = line(name).map_or(".", |line| state(line, minor)).chars().next();
    let all = match stage {
        Some('a') => set.iter().rev().find(|(gate, _)| gate == "AllAlpha"),
        Some('b') => set.iter().rev().find(|(gate, _)| gate == "AllBeta"),
        _ => None,
    };
    let own = set.iter().rev().find(|(gate, _)| gate == name);
    own.or(all).map_or_else(|| default(name, minor), |(_, on)| *on)
}

/// What is wrong with setting a gate.
pub(super) fn check(name: &str, on: bool, minor: u64, component: &str) -> Option<(bool, String)> {
    if matches!(name, "AllAlpha" | "AllBeta") {
        return None;
    }
    if minor > LAST && REMOVED_IN_37.contains(&name) {
        return Some((
            true,
            format!("{component} 1.{minor} has no feature gate `{name}`: it was removed in 1.37"),
        ));
    }
    let known = line(name);
    let state_now = known.map_or(".", |line| state(line, minor));
    if state_now == "." {
        let had = known.and_then(|line| (FIRST..=LAST).rev().find(|minor| state(line, *minor) != "."));
        let hint = match had {
            Some(last) if last < minor => format!("1.{last} was the last minor that had it"),
            Some(_) => {
                let since = known.and_then(|line| (FIRST..=LAST).find(|minor| state(line, *minor) != "."));
                format!("it came with 1.{}", since.unwrap_or(LAST))
            }
            None => nearest(name, minor).map_or_else(
                || "it is misspelt, or was removed after it graduated".to_owned(),
                |near| format!("did you mean `{near}`?"),
            ),
        };
        // What 1.37 brought is not in the table.
        return Some((minor <= LAST, format!("{component} 1.{minor} has no feature gate `{name}`: {hint}")));
    }
    let locked = state_now.ends_with('!') && minor <= LAST;
    if locked && on != state_now.contains('+') {
        return Some((
            true,
            format!("the feature gate `{name}` can't be set to {on}: 1.{minor} has it fixed to {}", !on),
        ));
    }
    None
}

/// Gates that are on while one that they depend on is off: the one of the two that is set, and why that is wrong.
pub(super) fn unmet(set: &[(String, bool)], minor: u64) -> Vec<(&'static str, String)> {
    let broken = DEPENDENCIES.iter().filter(|(gate, needed, since)| {
        (*since..=LAST).contains(&minor) && enabled(set, gate, minor) && !enabled(set, needed, minor)
    });
    let told = broken.map(|(gate, needed, _)| {
        let own = set.iter().any(|(name, on)| name == gate && *on);
        let why = format!("the feature gate `{gate}` is on, and needs `{needed}`, which is off");
        (if own { *gate } else { *needed }, why)
    });
    told.collect()
}

fn nearest(name: &str, minor: u64) -> Option<&'static str> {
    GATES
        .lines()
        .filter(|line| state(line, minor) != ".")
        .filter_map(|line| line.split(' ').next())
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.len().min(name.len()) / 5)
        .map(|(_, known)| known)
}

/// The gates in the value of a flag, `A=true,kube:B=false`, and what is no gate. kubelet knows no prefix.
pub(super) fn of_flag(value: &str, component: &str) -> (Vec<(String, bool)>, Vec<String>) {
    let (mut gates, mut wrong) = (vec![], vec![]);
    for item in value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (owner, gate) = if component == "kubelet" {
            ("kube", item)
        } else {
            item.split_once(':').unwrap_or(("kube", item))
        };
        if owner != "kube" {
            wrong.push(format!(
                "{item:?}: write `{gate}` without `{owner}:`, a name that no component registers its gates under"
            ));
            continue;
        }
        match gate.split_once('=') {
            Some((name, on)) => match super::kind::boolean(on.trim()) {
                Ok(on) => gates.push((name.trim().to_owned(), on)),
                Err(why) => wrong.push(format!("{item:?}: {why}")),
            },
            None => wrong.push(format!("{item:?} is not a pair: write `{gate}=true`")),
        }
    }
    (gates, wrong)
}

/// Judges the gates that a configuration document sets.
pub(super) fn of_document<'a>(
    gates: impl IntoIterator<Item = (&'a String, &'a bool)>,
    minor: u64,
    component: &str,
    kind: &'static str,
) -> Vec<Verdict> {
    let set: Vec<(String, bool)> = gates.into_iter().map(|(name, on)| (name.clone(), *on)).collect();
    let verdict = |name: &str, message: String| {
        Verdict::error("feature-gate", kind, format!("featureGates.{name}"), message).under("FeatureGates")
    };
    let own = set.iter().filter_map(|(name, on)| {
        let (certain, message) = check(name, *on, minor, component)?;
        let verdict = verdict(name, message);
        Some(if certain { verdict } else { verdict.warning() })
    });
    let unmet = unmet(&set, minor).into_iter().map(|(name, message)| verdict(name, message));
    own.chain(unmet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_name_and_four_states() {
        assert!(GATES.lines().count() > 250);
        for line in GATES.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words.len(), 5, "{line}");
            for state in &words[1..] {
                let known = matches!(*state, "." | "~")
                    || matches!(
                        state.as_bytes(),
                        [b'a' | b'b' | b'g' | b'd', b'+' | b'-']
                            | [b'a' | b'b' | b'g' | b'd', b'+' | b'-', b'!']
                    );
                assert!(known, "{line}");
            }
        }
    }

    #[test]
    fn gates_are_judged_by_their_minor() {
        let told = |name, on, minor| check(name, on, minor, "kubelet");
        assert_eq!(told("NodeSwap", false, 33), None);
        assert!(told("NodeSwap", false, 36).unwrap().1.contains("fixed to true"));
        assert_eq!(told("NodeSwap", true, 36), None);
        assert!(told("NodeSwop", true, 36).unwrap().1.ends_with("did you mean `NodeSwap`?"));
        assert!(told("SupportIPVSProxyMode", true, 36).unwrap().0);
        assert!(told("LegacySidecarContainers", true, 36).unwrap().1.contains("was the last"));
        assert!(told("ReloadKubeletClientCAFile", true, 33).unwrap().1.contains("came with 1.36"));
        assert!(told("SidecarContainers", true, 37).unwrap().1.contains("removed in 1.37"));
        assert!(!told("KubeProxyIPVS", true, 37).unwrap().0, "what 1.37 brought is not known");
        assert_eq!(told("AllAlpha", true, 36), None);
    }

    #[test]
    fn gates_need_those_that_they_depend_on() {
        let told = |text: &str, minor| {
            unmet(&of_flag(text, "kubelet").0, minor).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        for minor in [33, 34, 35, 36, 37] {
            assert_eq!(told("", minor), [""; 0], "{minor}");
        }
        assert_eq!(told("ClusterTrustBundleProjection=true", 36), ["ClusterTrustBundleProjection"]);
        assert_eq!(told("ClusterTrustBundleProjection=true", 34), [""; 0]);
        assert_eq!(told("ClusterTrustBundleProjection=true,ClusterTrustBundle=true", 36), [""; 0]);
        assert_eq!(told("DRADeviceTaints=false,DRADeviceTaintRules=true", 35), ["DRADeviceTaintRules"]);
        assert!(told("GracefulNodeShutdown=false", 36).contains(&"GracefulNodeShutdown"));
        assert_eq!(told("AllAlpha=true", 36), [""; 0]);
        for (gate, needed, _) in DEPENDENCIES {
            assert!(line(gate).is_some() && line(needed).is_some(), "{gate} {needed}");
        }
    }

    #[test]
    fn gates_are_on_by_default_or_by_what_is_set() {
        let set = |text: &str| of_flag(text, "kubelet").0;
        assert!(enabled(&set(""), "NodeSwap", 33) && !enabled(&set(""), "MemoryQoS", 36));
        assert!(enabled(&set("MemoryQoS=true"), "MemoryQoS", 36));
        assert!(enabled(&set("AllAlpha=true"), "MemoryQoS", 36));
        assert!(!enabled(&set("AllAlpha=true,MemoryQoS=false"), "MemoryQoS", 36));
        let (gates, wrong) = of_flag("A=true,kube:B=false,etcd:C=true,D,E=yes", "kube-apiserver");
        assert_eq!((gates.len(), wrong.len()), (2, 3));
        assert_eq!(of_flag("kube:B=false", "kubelet").0, [("kube:B".to_owned(), false)]);
    }
}
