//! `--runtime-config`: which API groups and versions are served.
//!
//! Source: `apiserver/pkg/server/resourceconfig/helpers.go`, `apiserver/pkg/server/options/api_enablement.go`.

use super::super::kind::boolean;
use super::super::rule::{Judge, unknown_word};

/// Settings of many versions at once.
const ALL: [&str; 4] = ["api/all", "api/ga", "api/beta", "api/alpha"];

/// The API groups of Kubernetes 1.33 to 1.36 that are built in (`pkg/apis`, apiextensions and the aggregator).
const GROUPS: &[&str] = &[
    "",
    "admission.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "imagepolicy.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
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
            return Err(format!("{key:?} is no API version: write `group/version=true`"));
        }
        ["api", _] | ["api", _, _] => ("", steps.get(2)),
        [group, _] => (*group, None),
        [group, _, _] => (*group, steps.get(2)),
        _ => {
            return Err(format!(
                "{key:?} is no API version: write `group/version=true`, `group/version/resource=true` or one of {}",
                ALL.join(", ")
            ));
        }
    };
    if !GROUPS.contains(&group) && minor <= 36 {
        return Err(format!("API group {}", unknown_word(group, GROUPS)));
    }
    if resource.is_some_and(|resource| resource.to_lowercase() != **resource) {
        return Err(format!("{key:?}: resources are in lower case and plural"));
    }
    if !value.is_empty() {
        boolean(value).map_err(|why| format!("`{key}`: {why}"))?;
    }
    Ok(())
}
