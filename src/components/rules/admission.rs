//! Admission plugins. Source: `pkg/kubeapiserver/options/plugins.go` and `admission.go`, of each minor.

use super::super::rule::{Judge, unknown_word};

/// Every plugin, with the first minor that has it where that is after 1.33.
const PLUGINS: &[(&str, u64)] = &[
    ("AlwaysAdmit", 0),
    ("AlwaysDeny", 0),
    ("AlwaysPullImages", 0),
    ("CertificateApproval", 0),
    ("CertificateSigning", 0),
    ("CertificateSubjectRestriction", 0),
    ("ClusterTrustBundleAttest", 0),
    ("DefaultIngressClass", 0),
    ("DefaultStorageClass", 0),
    ("DefaultTolerationSeconds", 0),
    ("DenyServiceExternalIPs", 0),
    ("EventRateLimit", 0),
    ("ExtendedResourceToleration", 0),
    ("ImagePolicyWebhook", 0),
    ("JobValidation", 36),
    ("LimitPodHardAntiAffinityTopology", 0),
    ("LimitRanger", 0),
    ("MutatingAdmissionPolicy", 0),
    ("MutatingAdmissionWebhook", 0),
    ("NamespaceAutoProvision", 0),
    ("NamespaceExists", 0),
    ("NamespaceLifecycle", 0),
    ("NodeDeclaredFeatureValidator", 35),
    ("NodeRestriction", 0),
    ("OwnerReferencesPermissionEnforcement", 0),
    ("PersistentVolumeClaimResize", 0),
    ("PodGroupProtection", 36),
    ("PodGroupWorkloadExists", 36),
    ("PodNodeSelector", 0),
    ("PodResizeValidator", 36),
    ("PodSecurity", 0),
    ("PodTolerationRestriction", 0),
    ("PodTopologyLabels", 0),
    ("Priority", 0),
    ("ResourceQuota", 0),
    ("RuntimeClass", 0),
    ("ServiceAccount", 0),
    ("StorageObjectInUseProtection", 0),
    ("TaintNodesByCondition", 0),
    ("ValidatingAdmissionPolicy", 0),
    ("ValidatingAdmissionWebhook", 0),
];

/// Plugins that are gone: since when, and what took their place.
const GONE: &[(&str, &str)] = &[
    ("PodSecurityPolicy", "it was removed in 1.25; PodSecurity, which is on by default, took its place"),
    ("SecurityContextDeny", "it was removed in 1.30; PodSecurity, which is on by default, took its place"),
    ("PersistentVolumeLabel", "it was removed in 1.31; the cloud-controller-manager labels volumes"),
    ("DenyEscalatingExec", "it was removed in 1.21; use a ValidatingAdmissionPolicy"),
    ("DenyExecOnPrivileged", "it was removed in 1.21; use a ValidatingAdmissionPolicy"),
    ("Initializers", "it was removed in 1.14; use a MutatingAdmissionWebhook"),
    ("GenericAdmissionWebhook", "it was removed in 1.9; use a ValidatingAdmissionWebhook"),
    ("ResourceV2", "it was removed; use ResourceQuota"),
];

/// The plugins of a minor.
pub(in crate::components) fn known(minor: u64) -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().filter(move |(_, since)| *since <= minor).map(|(name, _)| *name)
}

const ON: &str = "enable-admission-plugins";
const OFF: &str = "disable-admission-plugins";

pub(in crate::components) fn plugins(judge: &mut Judge<'_>) {
    let command = judge.command;
    let minor = command.minor;
    let known: Vec<&str> = known(minor).collect();
    for flag in [ON, OFF, "admission-control"] {
        for (name, given) in command.items(flag) {
            if known.contains(&name) {
                continue;
            }
            let since = PLUGINS.iter().find(|(plugin, _)| *plugin == name).map(|(_, since)| since);
            let gone = GONE.iter().find(|(plugin, _)| *plugin == name).map(|(_, why)| why);
            let why = match (gone, since) {
                (Some(why), _) => format!("there is no admission plugin {name}: {why}"),
                (None, Some(since)) => format!("there is no admission plugin {name}: it came with 1.{since}"),
                (None, None) => format!("admission plugin {}", unknown_word(name, &known)),
            };
            // 1.37 may have plugins that are not in the table.
            if minor <= 36 || gone.is_some() || name != name.trim() {
                judge.refuse("admission-plugin", given, why);
            } else {
                judge.doubt("admission-plugin", given, why);
            }
        }
    }
    let on: Vec<&str> = command.items(ON).map(|(name, _)| name).collect();
    for (name, given) in command.items(OFF) {
        if on.contains(&name) && !name.is_empty() {
            judge.refuse(
                "flag-pair",
                given,
                format!("{name} is also in `--{ON}`: keep it in one of the two"),
            );
        }
    }
    if command.has(ON) || command.has(OFF) {
        judge.exclude(
            "flag-pair",
            "admission-control",
            format!("excludes `--{ON}` and `--{OFF}`: use these"),
        );
    }
}
