//! `--admission-control-config-file`, and the configuration of PodSecurity in it. Source: `apiserver/pkg/admission/config.go`
//! and `pod-security-admission/admission/api`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named, POD_SECURITY};
use crate::components::rule::unknown_word;
use crate::components::rules::admission::known;
use crate::config::names;

pub(super) const FORMAT: Format = Format::strict(&[
    ("apiserver.config.k8s.io/v1", "AdmissionConfiguration", 0),
    ("apiserver.k8s.io/v1alpha1", "AdmissionConfiguration", 0),
]);

pub(super) const POD_SECURITY_FORMAT: Format = Format::strict(&[
    ("pod-security.admission.config.k8s.io/v1", "PodSecurityConfiguration", 0),
    ("pod-security.admission.config.k8s.io/v1beta1", "PodSecurityConfiguration", 0),
    ("pod-security.admission.config.k8s.io/v1alpha1", "PodSecurityConfiguration", 0),
]);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AdmissionConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    plugins: Vec<Plugin>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Plugin {
    name: String,
    path: String,
    configuration: Option<IgnoredAny>,
}

pub(super) fn judge(
    config: AdmissionConfiguration,
    fields: &mut Fields<'_>,
    context: &Context<'_>,
) -> Vec<Named> {
    let mut named = vec![];
    let plugins: Vec<&str> = known(context.minor()).collect();
    for (i, plugin) in config.plugins.iter().enumerate() {
        let path = format!("plugins.{i}");
        if !plugins.contains(&plugin.name.as_str()) {
            let why = format!(
                "admission plugin {}; its configuration is ignored",
                unknown_word(&plugin.name, &plugins)
            );
            fields.doubt(format!("{path}.name"), why);
            continue;
        }
        // The first of a name counts.
        if config.plugins.iter().take(i).any(|earlier| earlier.name == plugin.name) {
            fields.doubt(
                format!("{path}.name"),
                format!("{} is given twice: the first one counts", plugin.name),
            );
            continue;
        }
        let row = (plugin.name == "PodSecurity").then_some(POD_SECURITY);
        if plugin.configuration.is_some() {
            if let Some(row) = row {
                let node = fields.root.nearest(&format!("{path}.configuration"));
                fields.faults.below(format!("{path}.configuration."));
                row.judge_document(node, fields.faults, context);
                fields.faults.below(String::new());
            }
        } else if !plugin.path.is_empty() {
            named.push(Named { row, ..Named::file(fields, &format!("{path}.path"), &plugin.path) });
        }
    }
    named
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSecurityConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    defaults: Defaults,
    exemptions: Exemptions,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Defaults {
    enforce: String,
    enforce_version: String,
    audit: String,
    audit_version: String,
    warn: String,
    warn_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Exemptions {
    usernames: Vec<String>,
    namespaces: Vec<String>,
    runtime_classes: Vec<String>,
}

pub(super) fn pod_security(
    config: PodSecurityConfiguration,
    fields: &mut Fields<'_>,
    _: &Context<'_>,
) -> Vec<Named> {
    let d = &config.defaults;
    for (mode, level, version) in [
        ("enforce", &d.enforce, &d.enforce_version),
        ("audit", &d.audit, &d.audit_version),
        ("warn", &d.warn, &d.warn_version),
    ] {
        if !level.is_empty() {
            fields.one_of(format!("defaults.{mode}"), level, &["privileged", "baseline", "restricted"]);
        }
        let minor =
            version.strip_prefix("v1.").filter(|digits| digits.len() == 1 || !digits.starts_with('0'));
        let numeric = minor.is_some_and(|minor| minor.parse::<u32>().is_ok() && !minor.starts_with('+'));
        if !version.is_empty() && version != "latest" && !numeric {
            fields.refuse(
                format!("defaults.{mode}-version"),
                format!("{version:?} must be `latest` or a minor such as `v1.36`"),
            );
        }
    }
    let e = &config.exemptions;
    for (field, list) in
        [("usernames", &e.usernames), ("namespaces", &e.namespaces), ("runtimeClasses", &e.runtime_classes)]
    {
        let path = format!("exemptions.{field}");
        for (i, item) in list.iter().enumerate() {
            let right = match field {
                "usernames" => !item.is_empty(),
                "namespaces" => names::dns_subdomain(item).is_ok() && !item.contains('.') && item.len() <= 63,
                _ => names::dns_subdomain(item).is_ok(),
            };
            if !right {
                fields.refuse(
                    format!("{path}.{i}"),
                    format!("{item:?} is not such a name; patterns are not supported here"),
                );
            }
        }
        fields.no_item_twice(&path, list);
    }
    vec![]
}
