//! The file in which a worker keeps the cluster's CA certificate.

use super::kubelet_conf::ca_file;
use crate::config::NodeSettings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::pki::{Bundle, is_cut_off};
use crate::preflight::subject::Joining;

/// kubeadm refuses an existing file. One with the cluster's own CA is from an earlier join.
pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine, joining: &Joining) -> Vec<Finding> {
    let Some(discovered) = &joining.cluster_ca else {
        return vec![];
    };
    let path = ca_file(node, joining);
    let Ok(pem) = machine.read(&path) else { return vec![] };
    let shown = path.display();
    let away = format!("`mv {shown} {shown}.old`, or `kubestrap reset`, and run again");
    match Bundle::from_pem(&pem) {
        Ok(stored) if discovered.iter().any(|c| c.spki_sha256() == stored.certificate.spki_sha256()) => {
            vec![]
        }
        Ok(_) => vec![
            Finding::error(format!("{shown} exists, and is not the CA of the cluster to join"))
                .cause("this machine was a node of another cluster, or the cluster's CA was replaced")
                .fix(away),
        ],
        Err(_) if is_cut_off(&pem) => {
            vec![Finding::info(format!(
                "{shown} is incomplete, from an interrupted join: it will be replaced"
            ))]
        }
        Err(error) => vec![
            Finding::error(format!("{shown} exists, and holds no certificate"))
                .evidence(error.to_string())
                .fix(away),
        ],
    }
}
