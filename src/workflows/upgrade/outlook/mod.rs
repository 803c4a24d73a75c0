//! What would go wrong with an upgrade, told before anything is done: rows in a table, each from evidence that was
//! gathered before, to findings.

mod addons;
mod certificates;
mod components;
mod configuration;
mod deprecated_apis;
mod disk;
mod etcd;
mod evidence;
mod gather;
mod images;
mod manifests;
mod nodes;
#[cfg(test)]
mod published;

pub(crate) use evidence::Evidence;
pub(crate) use gather::{Given, gather};

use crate::finding::Finding;
use crate::preflight;

/// What was seen ahead.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outlook {
    /// In the order of the table.
    pub(crate) findings: Vec<Finding>,
}

/// A row of the table.
struct Row {
    /// The name by which `--ignore-preflight-errors` knows it; kubeadm's where kubeadm has it.
    name: &'static str,
    /// Finds what is wrong.
    look: fn(&Evidence) -> Vec<Finding>,
}

const ROWS: &[Row] = &[
    Row { name: "KubeletRunning", look: nodes::kubelet_runs },
    Row { name: "NodeRegistered", look: nodes::registered },
    Row { name: "StaticPodManifest", look: nodes::static_pod_manifests },
    Row { name: "ManifestsEdited", look: manifests::edited },
    Row { name: "ControlPlaneNodesReady", look: nodes::control_planes_ready },
    Row { name: "NodesReady", look: nodes::workers_ready },
    Row { name: "KubeletVersion", look: nodes::kubelet_versions },
    Row { name: "ConfigApiVersion", look: configuration::api_version },
    Row { name: "KubeadmFeatureGates", look: configuration::feature_gates },
    Row { name: "ComponentConfiguration", look: components::refused },
    Row { name: "KubeletFlags", look: components::kubelet_flags },
    Row { name: "DeprecatedApis", look: deprecated_apis::requested },
    Row { name: "EtcdQuorum", look: etcd::quorum },
    Row { name: "EtcdVersion", look: etcd::rolling_step },
    Row { name: "EtcdStorageVersion", look: etcd::storage_version },
    Row { name: "Certificates", look: certificates::end_soon },
    Row { name: "CertificateAuthority", look: certificates::unfit },
    Row { name: "AddonsAdmitted", look: addons::refused },
    Row { name: "AddonsChanged", look: addons::changed },
    Row { name: "AddonsMissing", look: addons::missing },
    Row { name: "CorefileKept", look: addons::corefile_kept },
    Row { name: "ImagesHere", look: images::here },
    Row { name: "BackupSpace", look: disk::space },
];

impl Outlook {
    /// Looks at everything; errors of `ignored` checks are warnings.
    pub(crate) fn of(evidence: &Evidence, ignored: &[String]) -> Self {
        let named = |row: &Row| {
            let findings = (row.look)(evidence).into_iter();
            findings
                .map(|f| Finding { check: row.name.into(), ..f }.in_words_of(evidence.init_system))
                .collect::<Vec<_>>()
        };
        let mut findings: Vec<Finding> = ROWS.iter().flat_map(named).collect();
        preflight::ignore(&mut findings, ignored);
        Self { findings }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::workflows::upgrade::survey::{Node, Survey};

    /// Evidence of a cluster of one healthy control plane, of `current`, for an upgrade to `target`.
    pub(super) fn evidence(current: &str, target: &str, config: &str) -> Evidence {
        let settings = |version: &str| {
            crate::preflight::test_settings(&format!("kubernetesVersion: {version}\n{config}"))
        };
        let (before, after) = (settings(current), settings(target));
        let node = Node {
            name: "cp-1".into(),
            control_plane: true,
            not_ready: None,
            schedulable: true,
            kubelet: current.into(),
            ..Node::default()
        };
        let survey = Survey {
            nodes: vec![node],
            coredns: Some("v1.13.1".into()),
            kube_proxy: Some(current.into()),
            ..Survey::default()
        };
        Evidence::for_tests(before, after, survey)
    }

    #[test]
    fn healthy_cluster_gives_no_findings() {
        let evidence = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!(Outlook::of(&evidence, &[]).findings, []);
    }

    #[test]
    fn errors_of_ignored_checks_are_warnings_and_bear_their_names() {
        let mut evidence = evidence("v1.35.6", "v1.36.2", "");
        evidence.survey.nodes[0].not_ready = Some("no CNI".into());
        let severity = |ignored: &[String]| {
            let findings = Outlook::of(&evidence, ignored).findings;
            assert_eq!(findings[0].check, "ControlPlaneNodesReady");
            findings[0].severity
        };
        assert_eq!(severity(&[]), crate::finding::Severity::Error);
        assert_eq!(severity(&["controlplanenodesready".into()]), crate::finding::Severity::Warning);
    }
}
