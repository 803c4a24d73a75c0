//! Flags, feature gates and configuration that the components of the new version refuse, or take otherwise, though
//! those of the cluster's version do not.

use super::Evidence;
use crate::components::{self, Subject};
use crate::config::v1beta4::Arg;
use crate::finding::Finding;

pub(super) fn refused(e: &Evidence) -> Vec<Finding> {
    let now = components::judge(&Subject::of(&e.before));
    let then = components::judge(&Subject::of(&e.after));
    // What is said of the cluster's version too is not the upgrade's doing.
    let new = then.into_iter().filter(|verdict| {
        !now.iter()
            .any(|known| (known.rule, known.kind, &known.path) == (verdict.rule, verdict.kind, &verdict.path))
    });
    let version = &e.after.cluster.version;
    new.map(|verdict| Finding {
        severity: verdict.severity,
        cause: verdict.cause,
        ..Finding::error(format!("{version} does not take {}.{}: {}", verdict.kind, verdict.path, verdict.message))
            .fix("remove or change it in the configuration that the cluster stores: `kubectl -n kube-system edit configmap` kubeadm-config, kubelet-config or kube-proxy")
    })
    .collect()
}

/// Flags that the new kubelet refuses, though the present one takes them: it is installed after the control plane.
pub(super) fn kubelet_flags(e: &Evidence) -> Vec<Finding> {
    let flags: Vec<Arg> = e.kubelet_flags.iter().map(|(_, flag)| flag.clone()).collect();
    let said = |minor: u64| components::judge_kubelet_flags(&flags, minor);
    // A flag that is deprecated now and gone then is new; one that is deprecated in both is not.
    let now: Vec<_> =
        said(e.before.cluster.version.minor()).into_iter().map(|(at, verdict)| (at, verdict.rule)).collect();
    let version = &e.after.cluster.version;
    let new = said(version.minor()).into_iter().filter(|(at, verdict)| !now.contains(&(*at, verdict.rule)));
    new.map(|(index, verdict)| {
        let file = index.and_then(|index| e.kubelet_flags.get(index)).map_or("its files", |(file, _)| file);
        let finding = Finding::warning(format!("kubelet {version} does not take a flag in {file}: {}", verdict.message));
        finding
            .cause("kubelet exits at once when it finds it; `upgrade` removes only what kubeadm itself put there")
            .fix(format!("remove it from {file} before the package of kubelet {version} is installed"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn flag_that_only_the_new_version_has_lost_is_told() {
        let flag = |name: &str| format!("controllerManager: {{extraArgs: [{{name: {name}, value: '5'}}]}}\n");
        let found = refused(&evidence("v1.36.2", "v1.37.0", &flag("concurrent-service-syncs")));
        assert!(found.iter().any(|f| f.what.contains("concurrent-service-syncs")), "{found:?}");
        assert_eq!(refused(&evidence("v1.35.6", "v1.36.2", &flag("concurrent-service-syncs"))), []);
        assert_eq!(refused(&evidence("v1.35.6", "v1.36.2", &flag("no-such-flag"))), [], "wrong already");
    }
}
