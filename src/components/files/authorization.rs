//! `--authorization-config`. Source: `apiserver/pkg/apis/apiserver/validation` and `pkg/kubeapiserver/authorizer/config.go`.
//! Conditions are CEL, which is not compiled here.

use serde::Deserialize;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named};
use crate::components::rules::apiserver::MODES;
use crate::config::duration::GoDuration;
use crate::config::names;

pub(super) const FORMAT: Format = Format::strict(&[
    ("apiserver.config.k8s.io/v1", "AuthorizationConfiguration", 0),
    ("apiserver.config.k8s.io/v1beta1", "AuthorizationConfiguration", 0),
    ("apiserver.config.k8s.io/v1alpha1", "AuthorizationConfiguration", 0),
]);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AuthorizationConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    authorizers: Vec<Authorizer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authorizer {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    webhook: Option<Webhook>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Webhook {
    #[serde(rename = "authorizedTTL")]
    authorized_ttl: GoDuration,
    cache_authorized_requests: Option<bool>,
    #[serde(rename = "unauthorizedTTL")]
    unauthorized_ttl: GoDuration,
    cache_unauthorized_requests: Option<bool>,
    timeout: GoDuration,
    subject_access_review_version: String,
    match_condition_subject_access_review_version: String,
    failure_policy: String,
    connection_info: ConnectionInfo,
    match_conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConnectionInfo {
    #[serde(rename = "type")]
    kind: String,
    kube_config_file: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    expression: String,
}

pub(super) fn judge(
    config: AuthorizationConfiguration,
    fields: &mut Fields<'_>,
    context: &Context<'_>,
) -> Vec<Named> {
    if config.authorizers.is_empty() {
        fields.require("authorizers");
    }
    let mut named = vec![];
    for (i, authorizer) in config.authorizers.iter().enumerate() {
        let path = format!("authorizers.{i}");
        let earlier = || config.authorizers.iter().take(i);
        let kind = authorizer.kind.as_str();
        fields.one_of(format!("{path}.type"), kind, MODES);
        if kind != "Webhook" && !kind.is_empty() && earlier().any(|a| a.kind == kind) {
            fields.refuse(format!("{path}.type"), format!("{kind} is given twice"));
        }
        if !MODES.contains(&kind) {
            continue;
        }
        name(authorizer, earlier().any(|a| a.name == authorizer.name), &path, fields);
        match (&authorizer.webhook, kind) {
            (Some(section), "Webhook") => {
                named.extend(webhook(section, context.minor(), &format!("{path}.webhook"), fields))
            }
            (None, "Webhook") => fields.require(format!("{path}.webhook")),
            (Some(_), _) => {
                fields.refuse(format!("{path}.webhook"), format!("is of `type: Webhook` only, not of {kind}"))
            }
            (None, "ABAC") => {
                let why = "ABAC needs `--authorization-policy-file`, which `--authorization-config` excludes";
                fields.refuse(format!("{path}.type"), why);
            }
            (None, _) => {}
        }
    }
    named
}

fn name(authorizer: &Authorizer, known: bool, path: &str, fields: &mut Fields<'_>) {
    let path = format!("{path}.name");
    let own = authorizer.kind.to_lowercase();
    if authorizer.kind != "Webhook" && authorizer.name != own {
        fields.refuse(path, format!("the authorizer {} must have the name `{own}`", authorizer.kind));
    } else if authorizer.name.is_empty() {
        fields.require(path);
    } else if known {
        fields.refuse(path, format!("{:?} is given twice", authorizer.name));
    } else if let Err(why) = names::dns_subdomain(&authorizer.name) {
        fields.refuse(path, why);
    }
}

fn webhook(webhook: &Webhook, minor: u64, path: &str, fields: &mut Fields<'_>) -> Option<Named> {
    let timeout = webhook.timeout.0;
    if timeout == 0 {
        fields.require(format!("{path}.timeout"));
    } else if timeout < 0 || webhook.timeout > GoDuration::from_secs(30) {
        fields.refuse(format!("{path}.timeout"), "must be longer than 0s, and at most 30s");
    }
    for (field, ttl) in
        [("authorizedTTL", webhook.authorized_ttl), ("unauthorizedTTL", webhook.unauthorized_ttl)]
    {
        if ttl.0 < 0 {
            fields.refuse(format!("{path}.{field}"), "must not be negative");
        }
    }
    for (field, given) in [
        ("cacheAuthorizedRequests", webhook.cache_authorized_requests),
        ("cacheUnauthorizedRequests", webhook.cache_unauthorized_requests),
    ] {
        if given.is_some() && minor < 34 {
            fields.refuse(format!("{path}.{field}"), "came with 1.34");
        }
    }
    let review = "subjectAccessReviewVersion";
    fields.one_of(format!("{path}.{review}"), &webhook.subject_access_review_version, &["v1", "v1beta1"]);
    let version = &webhook.match_condition_subject_access_review_version;
    if !version.is_empty() || !webhook.match_conditions.is_empty() {
        fields.one_of(format!("{path}.matchConditionSubjectAccessReviewVersion"), version, &["v1"]);
    }
    fields.one_of(format!("{path}.failurePolicy"), &webhook.failure_policy, &["NoOpinion", "Deny"]);
    let expressions: Vec<&str> = webhook.match_conditions.iter().map(|c| c.expression.as_str()).collect();
    if expressions.len() > 64 {
        fields.refuse(format!("{path}.matchConditions"), "must not have more than 64 items");
    }
    for (i, expression) in expressions.iter().enumerate() {
        let path = format!("{path}.matchConditions.{i}.expression");
        if expression.trim().is_empty() {
            fields.require(path);
        } else if expressions.iter().take(i).any(|earlier| earlier == expression) {
            fields.refuse(path, "this expression is given twice");
        }
    }
    connection(&webhook.connection_info, &format!("{path}.connectionInfo"), fields)
}

fn connection(info: &ConnectionInfo, path: &str, fields: &mut Fields<'_>) -> Option<Named> {
    let path_of_file = format!("{path}.kubeConfigFile");
    match (info.kind.as_str(), &info.kube_config_file) {
        ("KubeConfigFile", Some(file)) if file.starts_with('/') => {
            return Some(Named::file(fields, &path_of_file, file));
        }
        ("KubeConfigFile", Some(file)) if !file.is_empty() => {
            fields.refuse(path_of_file, "must be an absolute path")
        }
        ("KubeConfigFile", _) => fields.require(path_of_file),
        ("InClusterConfig", Some(_)) => fields.refuse(path_of_file, "is of `type: KubeConfigFile` only"),
        ("InClusterConfig", None) => {}
        (kind, _) => fields.one_of(format!("{path}.type"), kind, &["KubeConfigFile", "InClusterConfig"]),
    }
    None
}
