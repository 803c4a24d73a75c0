//! The plan of an upgrade: which versions there are to go to, and what each component would become.

use std::fmt::Write as _;

use serde::Serialize;

use super::survey::Survey;
use crate::config::release::RELEASES;
use crate::config::{KubernetesVersion, Settings};
use crate::finding::{Finding, Severity};
use crate::manifest::Component;
use crate::program;

/// The line below each part of the plan, as wide as kubeadm's.
const RULE: &str = "_____________________________________________________________________";

/// What the command prints; kubeadm's `UpgradePlan`, and what was found to be in the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpgradePlan {
    /// The kind of object.
    pub(crate) kind: &'static str,
    /// Its API version.
    pub(crate) api_version: &'static str,
    /// The versions that can be upgraded to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) available_upgrades: Vec<AvailableUpgrade>,
    /// The component configurations' API versions.
    pub(crate) config_versions: Vec<ConfigVersion>,
    /// What would go wrong; kubeadm has no such field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<Finding>,
    /// The version of each upgrade, in the order of `available_upgrades`.
    #[serde(skip)]
    pub(crate) targets: Vec<KubernetesVersion>,
}

/// A version that can be upgraded to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AvailableUpgrade {
    /// What version it is, in words.
    pub(crate) description: String,
    /// What each component would become.
    pub(crate) components: Vec<ComponentPlan>,
}

/// What a component would become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ComponentPlan {
    /// Its name.
    pub(crate) name: String,
    /// Its version now.
    pub(crate) current_version: String,
    /// Its version after the upgrade.
    pub(crate) new_version: String,
    /// The node that it runs on, where it is one of a node's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) node_name: String,
}

/// The API version of a component configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigVersion {
    /// The API group.
    pub(crate) group: &'static str,
    /// The version that is stored.
    pub(crate) current_version: &'static str,
    /// The version that is written.
    pub(crate) preferred_version: &'static str,
    /// Whether its owner must convert it.
    pub(crate) manual_upgrade_required: bool,
}

/// The versions that a cluster can go to without anybody naming one: the newest known patch of its minor and of the
/// next.
pub(crate) fn newest_known(current: &KubernetesVersion) -> Vec<KubernetesVersion> {
    let minors = RELEASES.iter().filter(|r| (current.minor()..=current.minor() + 1).contains(&r.minor));
    let versions = minors.filter_map(|r| format!("v1.{}.{}", r.minor, r.newest_patch).parse().ok());
    versions.filter(|version| version > current).collect()
}

/// What kind of version it is to a cluster of `current`.
fn description(current: &KubernetesVersion, target: &KubernetesVersion) -> String {
    match target.unstable() {
        Some("rc") => "release candidate version".into(),
        Some(_) => "experimental version".into(),
        None if target.minor() == current.minor() => format!("version in the v1.{} series", current.minor()),
        None => "stable version".into(),
    }
}

/// What each component becomes with the target's settings.
pub(crate) fn available(
    current: &KubernetesVersion,
    target: &Settings,
    survey: &Survey,
    etcd_upgrade: bool,
) -> AvailableUpgrade {
    let version = target.cluster.version.to_string();
    let part = |name: &str, now: &str, new: &str, node: &str| ComponentPlan {
        name: name.into(),
        current_version: now.into(),
        new_version: new.into(),
        node_name: node.into(),
    };
    let mut components = vec![];
    let outdated = survey.nodes.iter().any(|n| n.kubelet != version);
    for node in survey.nodes.iter().filter(|_| outdated) {
        components.push(part("kubelet", &node.kubelet, &version, &node.name));
    }
    for component in [Component::ApiServer, Component::ControllerManager, Component::Scheduler] {
        components
            .extend(survey.of(component).map(|(node, tag)| part(component.name(), tag, &version, node)));
    }
    let cluster = &target.cluster.config;
    if survey.kube_proxy.is_some() && !cluster.proxy.disabled {
        // kubeadm shows the cluster's version here, without its `v`.
        components.push(part("kube-proxy", current.to_string().trim_start_matches('v'), &version, ""));
    }
    if let (Some(tag), false) = (&survey.coredns, cluster.dns.disabled) {
        let image = target.coredns_image();
        let new = image.rsplit_once(':').map_or("", |(_, tag)| tag);
        components.push(part("CoreDNS", tag, new, ""));
    }
    // One program serves every version: no other is needed first.
    components.push(part("kubeadm", &version, &version, ""));
    if etcd_upgrade && cluster.etcd.local.is_some() {
        let new = target.etcd_tag();
        components.extend(survey.of(Component::Etcd).map(|(node, tag)| part("etcd", tag, &new, node)));
    }
    AvailableUpgrade { description: description(current, &target.cluster.version), components }
}

/// The API versions of the component configurations that the cluster stores.
pub(crate) fn config_versions(kube_proxy: bool, kubelet: bool) -> Vec<ConfigVersion> {
    let rows =
        [(kube_proxy, "kubeproxy.config.k8s.io", "v1alpha1"), (kubelet, "kubelet.config.k8s.io", "v1beta1")];
    let stored = rows.into_iter().filter(|(stored, ..)| *stored);
    stored
        .map(|(_, group, version)| ConfigVersion {
            group,
            current_version: version,
            preferred_version: version,
            manual_upgrade_required: false,
        })
        .collect()
}

impl UpgradePlan {
    /// The plan for people. `columns` lays out a table.
    pub(crate) fn text(&self, columns: impl Fn(&[Vec<String>]) -> String) -> String {
        let mut text = String::new();
        let is_refused = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        for (upgrade, target) in self.available_upgrades.iter().zip(&self.targets) {
            upgrade_text(&mut text, upgrade, target, is_refused, &columns);
        }
        if self.available_upgrades.is_empty() {
            text.push_str("There is no newer version that this kubestrap knows of\n");
        }
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let mut rows =
            vec![row(["API GROUP", "CURRENT VERSION", "PREFERRED VERSION", "MANUAL UPGRADE REQUIRED"])];
        for config in &self.config_versions {
            let manual = if config.manual_upgrade_required { "yes" } else { "no" };
            rows.push(row([config.group, config.current_version, config.preferred_version, manual]));
        }
        let _ = write!(
            text,
            "The API versions of the component configurations that the cluster stores:\n\n{}{RULE}\n",
            columns(&rows)
        );
        program::in_own_words(&text).into_owned()
    }
}

fn upgrade_text(
    text: &mut String,
    upgrade: &AvailableUpgrade,
    target: &KubernetesVersion,
    is_refused: bool,
    columns: &impl Fn(&[Vec<String>]) -> String,
) {
    let head = || ["COMPONENT", "NODE", "CURRENT", "TARGET"].map(str::to_owned).to_vec();
    let row = |c: &ComponentPlan| {
        vec![c.name.clone(), c.node_name.clone(), c.current_version.clone(), c.new_version.clone()]
    };
    let (kubelets, others): (Vec<_>, Vec<_>) = upgrade.components.iter().partition(|c| c.name == "kubelet");
    if !kubelets.is_empty() {
        let rows: Vec<_> = std::iter::once(head()).chain(kubelets.into_iter().map(row)).collect();
        let _ = write!(
            text,
            "Components that must be upgraded manually after you have upgraded the control plane with 'kubestrap upgrade apply':\n{}\n",
            columns(&rows)
        );
    }
    let others = others.into_iter().filter(|c| c.name != "kubeadm").map(row);
    let rows: Vec<_> = std::iter::once(head()).chain(others).collect();
    let flag = match target.unstable() {
        Some("rc") => " --allow-release-candidate-upgrades",
        Some(_) => " --allow-experimental-upgrades",
        None => "",
    };
    let invitation = if is_refused {
        "Once the errors found are fixed, you can apply the upgrade by executing the following command:"
    } else {
        "You can now apply the upgrade by executing the following command:"
    };
    let _ = write!(
        text,
        "Upgrade to the {}, {target}:\n\n{}\n{invitation}\n\n\tkubestrap upgrade apply {target}{flag}\n\n{RULE}\n\n",
        upgrade.description,
        columns(&rows)
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::escape::testing::{has_forged_line, hostile};
    use crate::output::table::columns;

    #[test]
    fn newest_patch_of_this_minor_and_of_the_next_are_offered() {
        let offered = |current: &str| -> Vec<String> {
            newest_known(&current.parse().unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(offered("v1.35.6"), ["v1.35.9", "v1.36.5"]);
        assert_eq!(offered("v1.37.1"), [""; 0]);
    }

    #[test]
    fn version_of_the_next_minor_is_not_said_to_be_of_this_one() {
        let said = |target: &str| description(&"v1.35.6".parse().unwrap(), &target.parse().unwrap());
        assert_eq!(said("v1.35.7"), "version in the v1.35 series");
        assert_eq!(said("v1.36.2"), "stable version");
        assert_eq!(said("v1.36.3-rc.0"), "release candidate version");
    }
    proptest! {
        #[test]
        fn what_the_cluster_says_forges_no_line(text in hostile()) {
            let component = |name: &str| ComponentPlan {
                name: name.to_owned(),
                current_version: text.clone(),
                new_version: text.clone(),
                node_name: text.clone(),
            };
            let components = vec![component("kubelet"), component("etcd")];
            let plan = UpgradePlan {
                kind: "UpgradePlan",
                api_version: "v1",
                available_upgrades: vec![AvailableUpgrade { description: "stable version".into(), components }],
                config_versions: config_versions(true, true),
                findings: vec![],
                targets: vec!["v1.36.2".parse().unwrap()],
            };
            let shown = plan.text(columns);
            prop_assert!(!has_forged_line(&shown), "{shown:?}");
        }
    }
}
