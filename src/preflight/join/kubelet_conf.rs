//! kubelet's kubeconfigs on a node that is to join: from an earlier join of the same cluster, or in the way.

use std::path::Path;

use crate::config::NodeSettings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::pki::Bundle;
use crate::preflight::config::existing::{KubeletConf, trust_of};
use crate::preflight::subject::Joining;

/// The name of kubelet's kubeconfig.
pub(crate) const KUBELET: &str = "kubelet.conf";
/// The name of the kubeconfig that kubelet bootstraps with.
pub(crate) const BOOTSTRAP: &str = "bootstrap-kubelet.conf";

/// kubeadm refuses any kubelet.conf. One that trusts the cluster's CA is from an earlier join, which goes on from there.
pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine, joining: &Joining) -> Vec<Finding> {
    let path = node.paths.kubeconfig(KUBELET);
    let discovered = joining.cluster_ca.clone();
    let stored = || machine.read(&ca_file(node, joining)).ok().and_then(|pem| Bundle::from_pem(&pem).ok());
    let ca = discovered.or_else(stored);
    match trust_of(&path, machine, ca.as_ref()) {
        // Whose it is shows once the cluster is discovered.
        KubeletConf::Foreign(_) if ca.is_none() => vec![],
        KubeletConf::Absent => vec![],
        KubeletConf::NoKubeconfig => vec![
            Finding::error(format!(
                "{} already exists, and is not a kubeconfig that `join` wrote",
                path.display()
            ))
            .fix("revert what is left of another cluster with `kubestrap reset`, or remove the file"),
        ],
        KubeletConf::Ours => vec![Finding::info(format!(
            "{} exists, from an earlier join of this cluster: joining again",
            path.display()
        ))],
        KubeletConf::Foreign(server) => vec![other_cluster(&path, &server)],
    }
}

fn other_cluster(path: &Path, server: &str) -> Finding {
    Finding::error(format!("{} exists: this machine is a node of another cluster", path.display()))
        .evidence(format!("its server is {server}, and it trusts another CA"))
        .cause("it joined that cluster, or an earlier control plane was not removed completely")
        .fix("`kubestrap reset` removes it from the other cluster; then run again")
}

/// kubeadm refuses a bootstrap kubeconfig; it only shows that a join was interrupted.
pub(crate) fn bootstrap(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let path = node.paths.kubeconfig(BOOTSTRAP);
    match machine.kind(&path) {
        None => vec![],
        Some(_) => vec![Finding::info(format!(
            "{} exists, from an interrupted join: it will be replaced",
            path.display()
        ))],
    }
}

/// The file with the cluster's CA on a joining node.
pub(super) fn ca_file(node: &NodeSettings, joining: &Joining) -> std::path::PathBuf {
    if joining.ca_file.as_os_str().is_empty() {
        return node.paths.certificates.join("ca.crt");
    }
    joining.ca_file.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::kubeconfig::Kubeconfig;
    use crate::pki::{CertificateSpec, KeyAlgorithm, PrivateKey, Subject, Usages, self_sign_ca};
    use crate::preflight::fake::{FakeMachine, settings};

    const PATH: &str = "/etc/kubernetes/kubelet.conf";

    fn found(text: Option<&str>) -> Vec<Finding> {
        let machine = FakeMachine::with(|m| {
            if let Some(text) = text {
                m.file(PATH, text);
            }
        });
        check(&settings("").node, &machine, &Joining::default())
    }

    #[test]
    fn file_that_is_no_kubeconfig_is_refused_before_anything_is_asked() {
        for text in ["", "garbage", "apiVersion: v1\nkind: Config\n", "a: ["] {
            let findings = found(Some(text));
            assert_eq!(findings.len(), 1, "{text:?}");
            assert_eq!(findings[0].severity, Severity::Error);
            assert!(findings[0].what.contains("is not a kubeconfig that `join` wrote"), "{findings:?}");
        }
        assert!(found(None).is_empty());
    }

    #[test]
    fn kubeconfig_is_judged_once_the_cluster_is_known() {
        let text = "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: k, cluster: {server: 'https://a:6443'}}], contexts: [{name: c, context: {cluster: k, user: u}}], users: []}";
        assert!(Kubeconfig::parse(text).unwrap().current_cluster().is_some());
        assert!(found(Some(text)).is_empty());
        let now = time::OffsetDateTime::now_utc();
        let spec = CertificateSpec {
            subject: Subject::new("kubernetes"),
            dns_names: vec![],
            ip_addresses: vec![],
            usages: Usages::Ca,
            not_before: now,
            not_after: now + time::Duration::days(1),
        };
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let cluster_ca = Some(self_sign_ca(&spec, &key).unwrap().into());
        let machine = FakeMachine::with(|m| m.file(PATH, text));
        let joining = Joining { cluster_ca, ..Joining::default() };
        let findings = check(&settings("").node, &machine, &joining);
        assert!(findings[0].what.contains("a node of another cluster"), "{findings:?}");
    }
}
