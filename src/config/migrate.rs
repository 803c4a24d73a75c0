//! From an older API version, or an incomplete file, to `v1beta4` with every default written out.

use serde::Serialize;
use serde_json::Value;

use super::changes::{self, Change};
use super::complete::{Complete, complete};
use super::loaded::Warning;
use super::problem::{ConfigError, Problem};

/// A file's configuration in today's API version.
#[derive(Debug)]
pub(crate) struct Migration {
    /// The documents, in kubeadm's order.
    pub documents: Vec<Value>,
    /// What is different from what was given.
    pub changes: Vec<Change>,
    /// What is odd about it, but no error.
    pub warnings: Vec<Warning>,
}

/// Migrates `text`, the contents of `file`.
///
/// As kubeadm's `config migrate`, and beyond: component configurations are kept, UpgradeConfiguration is understood, and
/// nothing of this machine (its name, its address, a random token) is put into the file, since the file may be meant for
/// others; what is left out so is among the changes.
///
/// # Errors
/// With every problem found; unknown fields are among them, since they would be lost.
pub(crate) fn migrate(file: &str, text: &str) -> Result<Migration, ConfigError> {
    let complete = complete(file, text)?;
    let mut documents = vec![];
    if let Some((init, cluster)) = &complete.init {
        documents.extend([value(init)?, value(cluster)?]);
    }
    for document in [
        complete.others.join.as_ref().map(value),
        complete.others.reset.as_ref().map(value),
        complete.others.upgrade.as_ref().map(value),
        complete.kubelet.clone().map(Ok),
        complete.kube_proxy.clone().map(Ok),
    ] {
        documents.extend(document.transpose()?);
    }
    let mut changes = changes::between(&complete.given, &documents);
    changes.extend(left_out(&complete));
    Ok(Migration { documents, changes, warnings: complete.warnings })
}

fn value(document: &impl Serialize) -> Result<Value, ConfigError> {
    serde_json::to_value(document)
        .map_err(|e| Problem::new("configuration", "", format!("can't be written: {e}")).into())
}

/// What kubeadm's migration would have taken from this machine.
fn left_out(complete: &Complete) -> Vec<Change> {
    let mut left = vec![];
    let mut leave = |kind: &'static str, fields: &[(&str, bool)]| {
        let paths: Vec<String> = fields.iter().filter(|(_, e)| *e).map(|(p, _)| (*p).to_owned()).collect();
        if !paths.is_empty() {
            left.push(Change::LeftOut { kind, paths });
        }
    };
    if let Some((init, _)) = &complete.init {
        let node = &init.node_registration;
        leave(
            "InitConfiguration",
            &[
                ("bootstrapTokens", init.bootstrap_tokens.is_empty()),
                ("localAPIEndpoint.advertiseAddress", init.local_api_endpoint.advertise_address.is_empty()),
                ("nodeRegistration.criSocket", node.cri_socket.is_empty()),
                ("nodeRegistration.name", node.name.is_empty()),
            ],
        );
    }
    if let Some(join) = &complete.others.join {
        let node = &join.node_registration;
        let address =
            join.control_plane.as_ref().is_some_and(|c| c.local_api_endpoint.advertise_address.is_empty());
        leave(
            "JoinConfiguration",
            &[
                ("controlPlane.localAPIEndpoint.advertiseAddress", address),
                ("nodeRegistration.criSocket", node.cri_socket.is_empty()),
                ("nodeRegistration.name", node.name.is_empty()),
            ],
        );
    }
    if let Some(reset) = &complete.others.reset {
        leave("ResetConfiguration", &[("criSocket", reset.cri_socket.is_empty())]);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD_JOIN: &str = "apiVersion: kubeadm.k8s.io/v1beta3
kind: JoinConfiguration
discovery:
  bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: 'cp:6443', unsafeSkipCAVerification: true}
  timeout: 3m
nodeRegistration: {kubeletExtraArgs: {v: '4', a: b}}
controlPlane: {}
";

    fn told(migration: &Migration) -> String {
        migration.changes.iter().map(|c| format!("{c}\n")).collect()
    }

    #[test]
    fn a_v1beta3_join_is_converted() {
        let migration = migrate("j.yaml", OLD_JOIN).unwrap();
        let [join] = migration.documents.as_slice() else { panic!("{:?}", migration.documents) };
        assert_eq!(join["timeouts"]["discovery"], "3m0s");
        assert_eq!(join["discovery"].get("timeout"), None);
        assert_eq!(join["nodeRegistration"]["kubeletExtraArgs"][0]["name"], "a");
        assert_eq!(join["nodeRegistration"]["taints"][0]["effect"], "NoSchedule");
        assert!(told(&migration).contains("discovery.timeout became JoinConfiguration.timeouts.discovery"));
    }

    #[test]
    fn what_is_migrated_stays_as_it_is() {
        let text = |documents: &[Value]| {
            documents.iter().map(|d| crate::yaml::to_string(d).unwrap()).collect::<Vec<_>>().join("---\n")
        };
        for kind in ["ClusterConfiguration", "ResetConfiguration", "UpgradeConfiguration"] {
            let once =
                migrate("a.yaml", &format!("apiVersion: kubeadm.k8s.io/v1beta4\nkind: {kind}\n")).unwrap();
            let twice = migrate("b.yaml", &text(&once.documents)).unwrap();
            assert_eq!(once.documents, twice.documents);
            let left = twice.changes.iter().all(|c| matches!(c, Change::LeftOut { .. }));
            assert!(left, "{}", told(&twice));
        }
    }

    #[test]
    fn component_configurations_are_kept_as_given() {
        let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 30\nevictionHard: {memory.available: 5%}\n";
        let migration = migrate("k.yaml", kubelet).unwrap();
        assert_eq!(migration.documents, crate::yaml::parse_values(kubelet).unwrap());
        assert_eq!(told(&migration), "");
    }

    #[test]
    fn v1beta4_time_outs_survive() {
        // kubeadm 1.36 makes `controlPlaneComponentHealthCheck: 0s` of it.
        let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ntimeouts: {controlPlaneComponentHealthCheck: 7m}\n";
        let migration = migrate("c.yaml", text).unwrap();
        let init = migration.documents.first().unwrap();
        assert_eq!(init["timeouts"]["controlPlaneComponentHealthCheck"], "7m0s");
        assert!(told(&migration).contains("\"7m\" became \"7m0s\""));
    }
}
