//! Where a field belongs that stands in the wrong place: at another depth, or in another kind of document.

use std::sync::OnceLock;

use super::kube_proxy::KubeProxyConfiguration;
use super::kubelet::KubeletConfiguration;
use super::v1beta4::{
    ClusterConfiguration, InitConfiguration, JoinConfiguration, ResetConfiguration, UpgradeConfiguration,
};
use crate::yaml::field_paths;

/// Every field of every kind.
fn fields() -> &'static [(&'static str, Vec<String>)] {
    static FIELDS: OnceLock<Vec<(&'static str, Vec<String>)>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        vec![
            ("ClusterConfiguration", field_paths::<ClusterConfiguration>()),
            ("InitConfiguration", field_paths::<InitConfiguration>()),
            ("KubeletConfiguration", field_paths::<KubeletConfiguration>()),
            ("KubeProxyConfiguration", field_paths::<KubeProxyConfiguration>()),
            ("JoinConfiguration", field_paths::<JoinConfiguration>()),
            ("ResetConfiguration", field_paths::<ResetConfiguration>()),
            ("UpgradeConfiguration", field_paths::<UpgradeConfiguration>()),
        ]
    })
}

/// Where the field belongs that stands at `path` in a document of `kind`, if somewhere has one of its name.
pub(super) fn of(kind: &str, path: &str) -> Option<String> {
    let name = path.rsplit('.').next().filter(|name| name.len() > 3)?;
    let is = |known: &str| known.rsplit('.').next() == Some(name);
    // The same kind first, then the others in their order; of several the one that is least deep.
    let own = fields().iter().filter(|(k, _)| *k == kind);
    let others = fields().iter().filter(|(k, _)| *k != kind);
    let (found, known) = own.chain(others).find_map(|(k, known)| {
        let least_deep = known.iter().filter(|p| is(p)).min_by_key(|p| p.matches('.').count())?;
        Some((*k, least_deep))
    })?;
    let holder = known.rsplit_once('.').map(|(holder, _)| format!("in `{holder}`"));
    Some(match (found == kind, holder) {
        (true, Some(holder)) => format!("it belongs {holder}"),
        (true, None) => format!("it belongs at the top of the {kind}"),
        (false, Some(holder)) => format!("it belongs {holder} of the {found}"),
        (false, None) => format!("it belongs in the {found}"),
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn misplaced_fields_are_told_their_place() {
        for (kind, path, want) in [
            ("ClusterConfiguration", "podSubnet", "it belongs in `networking`"),
            (
                "ClusterConfiguration",
                "criSocket",
                "it belongs in `nodeRegistration` of the InitConfiguration",
            ),
            ("InitConfiguration", "kubernetesVersion", "it belongs in the ClusterConfiguration"),
            ("ClusterConfiguration", "certificateKey", "it belongs in the InitConfiguration"),
            ("ClusterConfiguration", "maxPods", "it belongs in the KubeletConfiguration"),
            (
                "InitConfiguration",
                "nodeRegistration.localAPIEndpoint",
                "it belongs at the top of the InitConfiguration",
            ),
        ] {
            assert_eq!(of(kind, path).as_deref(), Some(want));
        }
        assert_eq!(of("ClusterConfiguration", "zzzz"), None);
    }
}
