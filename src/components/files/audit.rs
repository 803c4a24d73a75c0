//! `--audit-policy-file`. Source: `apiserver/pkg/audit/policy/reader.go` and `apiserver/pkg/apis/audit/validation`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named};
use crate::components::rule::unknown_word;
use crate::config::names;

pub(super) const FORMAT: Format =
    Format { lenient: true, knows_kind: true, ..Format::strict(&[("audit.k8s.io/v1", "Policy", 0)]) };

const LEVELS: &[&str] = &["None", "Metadata", "Request", "RequestResponse"];
const STAGES: &[&str] = &["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Policy {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    rules: Vec<Rule>,
    omit_stages: Vec<String>,
    #[serde(rename = "omitManagedFields")]
    _omit_managed_fields: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    level: String,
    #[serde(rename = "users")]
    _users: Vec<String>,
    #[serde(rename = "userGroups")]
    _user_groups: Vec<String>,
    #[serde(rename = "verbs")]
    _verbs: Vec<String>,
    resources: Vec<GroupResources>,
    namespaces: Vec<String>,
    #[serde(rename = "nonResourceURLs")]
    non_resource_urls: Vec<String>,
    omit_stages: Vec<String>,
    #[serde(rename = "omitManagedFields")]
    _omit_managed_fields: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GroupResources {
    group: String,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

pub(super) fn judge(policy: Policy, fields: &mut Fields<'_>, context: &Context<'_>) -> Vec<Named> {
    if policy.rules.is_empty() {
        fields.refuse("rules", "at least one rule is needed: `- level: Metadata`");
    }
    stages(&policy.omit_stages, "omitStages", fields);
    for (i, rule) in policy.rules.iter().enumerate() {
        let path = format!("rules.{i}");
        fields.one_of(format!("{path}.level"), &rule.level, LEVELS);
        stages(&rule.omit_stages, &format!("{path}.omitStages"), fields);
        urls(rule, &path, fields);
        for (j, resources) in rule.resources.iter().enumerate() {
            let path = format!("{path}.resources.{j}");
            let group = resources.group.as_str();
            if group == "*" && context.minor() < 36 {
                fields.refuse(format!("{path}.group"), "`*` came with 1.36: name the groups");
            } else if !matches!(group, "" | "*") && names::dns_subdomain(group).is_err() {
                let why = match group.split_once('/') {
                    Some((group, _)) => format!("must be a group without its version: {group:?}"),
                    None => format!("{group:?} is not an API group"),
                };
                fields.refuse(format!("{path}.group"), why);
            }
            if !resources.resource_names.is_empty() && resources.resources.is_empty() {
                fields.refuse(format!("{path}.resourceNames"), "needs `resources` beside it");
            }
        }
    }
    vec![]
}

fn urls(rule: &Rule, path: &str, fields: &mut Fields<'_>) {
    let path = format!("{path}.nonResourceURLs");
    for (i, url) in rule.non_resource_urls.iter().enumerate().filter(|(_, url)| *url != "*") {
        if !url.starts_with('/') {
            fields.refuse(format!("{path}.{i}"), format!("{url:?} must begin with `/`"));
        }
        if url.strip_suffix('*').unwrap_or(url).contains('*') {
            fields.refuse(format!("{path}.{i}"), format!("{url:?}: `*` may only be the last character"));
        }
    }
    let of_resources = !rule.resources.is_empty() || !rule.namespaces.is_empty();
    if of_resources && !rule.non_resource_urls.is_empty() {
        let why = "a rule is either of URLs or of `resources` and `namespaces`: write two rules";
        fields.refuse(path, why);
    }
}

fn stages(stages: &[String], path: &str, fields: &mut Fields<'_>) {
    for (i, stage) in stages.iter().enumerate() {
        if !STAGES.contains(&stage.as_str()) {
            fields.refuse(format!("{path}.{i}"), unknown_word(stage, STAGES));
        }
    }
}
