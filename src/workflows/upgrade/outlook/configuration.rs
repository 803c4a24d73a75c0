//! What the cluster stores of its own configuration, and the new version does not take.

use super::Evidence;
use crate::config::{v1beta3, v1beta4};
use crate::finding::Finding;

/// The first minor whose kubeadm no longer reads v1beta3.
const V1BETA3_GONE: u64 = 37;

pub(super) fn api_version(e: &Evidence) -> Vec<Finding> {
    if e.stored_api_version != v1beta3::API_VERSION {
        return vec![];
    }
    let target = &e.after.cluster.version;
    let said = if target.minor() >= V1BETA3_GONE {
        format!("kubeadm {target} no longer reads the stored ClusterConfiguration ({})", v1beta3::API_VERSION)
    } else {
        format!("the stored ClusterConfiguration is of {}, which is deprecated", v1beta3::API_VERSION)
    };
    vec![
        Finding::warning(said)
            .cause("1.37 removed this version of kubeadm's configuration API")
            .fix(format!("nothing for the cluster: `upgrade apply` stores it as {}; convert your own files with `kubestrap config migrate`", v1beta4::API_VERSION)),
    ]
}

/// kubeadm refuses a stored configuration with a gate that it does not know.
pub(super) fn feature_gates(e: &Evidence) -> Vec<Finding> {
    let target = &e.after.cluster.version;
    e.lost_gates
        .iter()
        .map(|(gate, on)| {
            let what = format!("feature gate {gate} of the ClusterConfiguration is gone in {target}");
            if *on {
                Finding::warning(what)
                    .cause("what it turned on is always on")
                    .fix("nothing: it is left out of the configuration that is stored")
            } else {
                Finding::error(format!("{what}, and it is set to false"))
                    .cause("what it turned off can't be turned off any more")
                    .fix(format!("remove it: `kubectl -n kube-system edit configmap kubeadm-config`, featureGates.{gate}"))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn stored_v1beta3_is_told() {
        let mut e = evidence("v1.36.2", "v1.37.0", "");
        assert_eq!(api_version(&e), []);
        e.stored_api_version = v1beta3::API_VERSION.into();
        assert!(api_version(&e)[0].what.contains("v1.37.0 no longer reads"));
    }

    #[test]
    fn lost_gate_is_an_error_only_where_it_was_off() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        e.lost_gates = vec![("A".into(), true), ("B".into(), false)];
        let severities: Vec<Severity> = feature_gates(&e).iter().map(|f| f.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error]);
    }
}
