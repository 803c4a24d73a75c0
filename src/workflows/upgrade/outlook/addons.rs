//! Addons that somebody changed or removed: the upgrade installs them again.

use super::Evidence;
use crate::diff::unified;
use crate::finding::Finding;

/// How many lines of a difference are shown.
const LINES: usize = 12;

pub(super) fn changed(e: &Evidence) -> Vec<Finding> {
    let findings = e.changed_addons.iter().filter_map(|change| {
        let (before, after) = change.texts().ok()?;
        let name = change.object.to_string();
        // From what is expected to what is there.
        let diff = unified(&name, Some(&after), &before);
        let lines: Vec<String> = diff
            .lines()
            .skip(2)
            .filter(|line| line.starts_with(['+', '-']))
            .take(LINES)
            .map(str::to_owned)
            .collect();
        if lines.is_empty() {
            return None;
        }
        Some(
            Finding::warning(format!("{name} differs from what the cluster's version installs: the upgrade replaces it"))
                .evidences(lines)
                .cause("somebody changed it, or another tool installed it")
                .fix("keep your changes as patches (`--patches`), or keep it out of the upgrade with `--skip-phases addon`"),
        )
    });
    findings.collect()
}

/// kubeadm installs what is missing too: kube-proxy would come back where another proxy has replaced it.
pub(super) fn missing(e: &Evidence) -> Vec<Finding> {
    let config = &e.after.cluster.config;
    let addons = [
        ("kube-proxy", "kube-proxy", "proxy", config.proxy.disabled, &e.survey.kube_proxy),
        ("CoreDNS", "coredns", "dns", config.dns.disabled, &e.survey.coredns),
    ];
    let missing =
        addons.into_iter().filter(|(_, _, _, disabled, tag)| e.control_plane && !disabled && tag.is_none());
    let finding = |(name, phase, field, ..): (&str, &str, &str, bool, &Option<String>)| {
        Finding::warning(format!("{name} is not installed, and the upgrade installs it"))
            .cause("it was removed, or left out by `init`: another program may do its work here")
            .fix(format!(
                "keep it out with `--skip-phases addon/{phase}`, or for good with `{field}: {{disabled: true}}` in ConfigMap kube-system/kubeadm-config"
            ))
    };
    missing.map(finding).collect()
}

/// What admission refuses after the control plane is upgraded would end the upgrade half way.
pub(super) fn refused(e: &Evidence) -> Vec<Finding> {
    let finding = |(name, why): &(String, String)| {
        Finding::error(format!("admission does not let the new {name} through"))
            .evidence(why.clone())
            .cause("a webhook or an admission policy of this cluster refuses it, or the webhook's own service does not answer")
            .fix("have it exempt the namespace kube-system, or start what serves it (`kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`); or keep the addons out of the upgrade with `--skip-phases addon`")
    };
    e.refused_addons.iter().map(finding).collect()
}

/// CoreDNS ends at once where its new version no longer knows a plugin of the Corefile.
pub(super) fn corefile_kept(e: &Evidence) -> Vec<Finding> {
    let image = e.after.coredns_image();
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    if !e.corefile_kept || e.survey.coredns.as_deref().is_none_or(|now| now == tag) {
        return vec![];
    }
    vec![
        Finding::warning(format!("the Corefile was customized: the upgrade keeps it, and CoreDNS {tag} reads it"))
            .evidence("ConfigMap kube-system/coredns is not the default one")
            .cause("a plugin or an option that the new CoreDNS no longer has would make it exit")
            .fix(format!("compare its plugins with the release notes of CoreDNS {tag}; afterwards see `kubectl -n kube-system rollout status deployment/coredns`")),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn addon_that_is_missing_is_told_unless_it_is_disabled() {
        let told = |config: &str| {
            let mut e = evidence("v1.35.6", "v1.36.2", config);
            e.survey.kube_proxy = None;
            missing(&e).into_iter().map(|finding| finding.fix.unwrap()).collect::<Vec<_>>()
        };
        assert!(told("")[0].contains("--skip-phases addon/kube-proxy"));
        assert_eq!(told("proxy: {disabled: true}\n"), [""; 0]);
    }

    #[test]
    fn customized_corefile_is_told_where_coredns_changes() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!(corefile_kept(&e), []);
        e.corefile_kept = true;
        assert!(corefile_kept(&e)[0].what.contains("CoreDNS v1.14"), "{:?}", corefile_kept(&e));
        let tag = e.after.coredns_image().rsplit_once(':').unwrap().1.to_owned();
        e.survey.coredns = Some(tag);
        assert_eq!(corefile_kept(&e), []);
    }

    #[test]
    fn addon_that_a_webhook_refuses_is_an_error_with_what_it_said() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!(refused(&e), []);
        e.refused_addons = vec![("DaemonSet kube-proxy".into(), "admission webhook \"w\" denied".into())];
        let found = refused(&e);
        assert_eq!((found[0].severity, found[0].evidence.len()), (Severity::Error, 1));
    }
}
