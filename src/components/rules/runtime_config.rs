//! `--runtime-config`: which API groups and versions are served.
//!
//! Source: `apiserver/pkg/server/resourceconfig/helpers.go`, `apiserver/pkg/server/options/api_enablement.go`.

use super::super::kind::boolean;
use super::super::rule::{Judge, unknown_word};

/// Settings of many versions at once.
const ALL: [&str; 4] = ["api/all", "api/ga", "api/beta", "api/alpha"];

/// Where a version is known: from the first minor of a range to its last.
const ALWAYS: (u64, u64) = (0, u64::MAX);

/// Versions of a group, each with the minors that know it.
type Versions = &'static [(&'static str, (u64, u64))];

/// The API groups of Kubernetes that are built in (`pkg/apis`, apiextensions and the aggregator), with the versions that
/// 1.33 to 1.36 register, whether they serve them or not.
const GROUPS: &[(&str, Versions)] = &[
    ("", &[("v1", ALWAYS)]),
    ("admission.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("admissionregistration.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", ALWAYS)]),
    ("apiextensions.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("apiregistration.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("apps", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1beta2", ALWAYS)]),
    ("authentication.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", ALWAYS)]),
    ("authorization.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("autoscaling", &[("v1", ALWAYS), ("v2", ALWAYS), ("v2beta1", (0, 35)), ("v2beta2", (0, 35))]),
    ("batch", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("certificates.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", ALWAYS)]),
    ("coordination.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha2", ALWAYS)]),
    ("discovery.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("events.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("extensions", &[("v1beta1", ALWAYS)]),
    (
        "flowcontrol.apiserver.k8s.io",
        &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1beta2", ALWAYS), ("v1beta3", ALWAYS)],
    ),
    ("imagepolicy.k8s.io", &[("v1alpha1", ALWAYS)]),
    ("internal.apiserver.k8s.io", &[("v1alpha1", ALWAYS)]),
    ("networking.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", (0, 33))]),
    ("node.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", ALWAYS)]),
    ("policy", &[("v1", ALWAYS), ("v1beta1", ALWAYS)]),
    ("rbac.authorization.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", ALWAYS)]),
    (
        "resource.k8s.io",
        &[("v1", (34, u64::MAX)), ("v1beta1", ALWAYS), ("v1beta2", ALWAYS), ("v1alpha3", ALWAYS)],
    ),
    (
        "scheduling.k8s.io",
        &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", (0, 35)), ("v1alpha2", (36, u64::MAX))],
    ),
    ("storage.k8s.io", &[("v1", ALWAYS), ("v1beta1", ALWAYS), ("v1alpha1", ALWAYS)]),
    ("storagemigration.k8s.io", &[("v1beta1", (35, u64::MAX)), ("v1alpha1", (0, 34))]),
];

pub(in crate::components) fn groups(judge: &mut Judge<'_>) {
    let command = judge.command;
    let mut settings: Vec<(&str, &str)> = vec![];
    for given in command.all("runtime-config") {
        for item in given.value.split(',').filter(|item| !item.is_empty()) {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            let (key, value) = (key.trim(), value.trim());
            settings.push((key, value));
            if let Err(why) = setting(key, value, command.minor) {
                judge.refuse("runtime-config", given, why);
            }
        }
    }
    let last = command.last("runtime-config");
    if let ([("api/all", "false")], Some(given)) = (settings.as_slice(), last) {
        judge.refuse("runtime-config", given, "`api/all=false` alone leaves no API to serve");
    }
    let fair = command.value("enable-priority-and-fairness").is_none_or(|value| boolean(value) != Ok(false));
    if fair && let Some(given) = last {
        for key in ["flowcontrol.apiserver.k8s.io/v1", "api/ga", "api/all"] {
            match settings.iter().rev().find(|(k, _)| *k == key) {
                Some((_, "false")) => {
                    judge.refuse(
                        "runtime-config",
                        given,
                        format!("`{key}=false` conflicts with `--enable-priority-and-fairness`, which is on by default"),
                    );
                    break;
                }
                Some((_, "true")) => break,
                _ => {}
            }
        }
    }
}

fn setting(key: &str, value: &str, minor: u64) -> Result<(), String> {
    if ALL.contains(&key) {
        return match value {
            "true" | "false" => Ok(()),
            _ => Err(format!("`{key}` needs a value: write `{key}=true` or `{key}=false`")),
        };
    }
    let steps: Vec<&str> = key.split('/').collect();
    // The group of the core API, `v1`, is the empty one; `api/v1` names it.
    let (group, resource) = match steps.as_slice() {
        [_, version] | [_, version, _] if version.is_empty() => {
            return Err(format!("{key:?} is not an API version: write `group/version=true`"));
        }
        // The core API's old name.
        ["api", "legacy"] => return Ok(()),
        ["api", _] | ["api", _, _] => ("", steps.get(2)),
        ["v1"] => ("", None),
        [group, _] => (*group, None),
        [group, _, _] => (*group, steps.get(2)),
        _ => {
            return Err(format!(
                "{key:?} is not an API version: write `group/version=true`, `group/version/resource=true` or one of {}",
                ALL.join(", ")
            ));
        }
    };
    // 1.37 may have versions that are not in the table.
    if minor <= 36 {
        let version = steps.get(1).or(steps.first()).copied().unwrap_or_default();
        registered(group, version, minor)?;
    }
    if resource.is_some_and(|resource| resource.to_lowercase() != **resource) {
        return Err(format!("{key:?}: resources are in lower case and plural"));
    }
    if !value.is_empty() {
        boolean(value).map_err(|why| format!("`{key}`: {why}"))?;
    }
    Ok(())
}

/// Whether a minor knows a version of a group.
fn registered(group: &str, version: &str, minor: u64) -> Result<(), String> {
    let Some((_, versions)) = GROUPS.iter().find(|(name, _)| *name == group) else {
        let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
        return Err(format!("API group {}", unknown_word(group, &names)));
    };
    let known: Vec<&str> = versions
        .iter()
        .filter(|(_, (first, last))| (*first..=*last).contains(&minor))
        .map(|(version, _)| *version)
        .collect();
    if known.contains(&version) {
        return Ok(());
    }
    let group = if group.is_empty() { "the core API" } else { group };
    Err(format!("1.{minor} has no version {version} of {group}, but {}", known.join(", ")))
}
