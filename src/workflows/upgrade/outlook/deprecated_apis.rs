//! API versions that somebody still uses and the new version no longer serves, by the API server's own count.

use super::Evidence;
use crate::finding::Finding;

/// The metric: one line for each deprecated API version that was requested since the API server started.
const METRIC: &str = "apiserver_requested_deprecated_apis{";

pub(super) fn requested(e: &Evidence) -> Vec<Finding> {
    let (now, then) = (e.before.cluster.version.minor(), e.after.cluster.version.minor());
    let lines = e.metrics.lines().filter_map(|line| line.strip_prefix(METRIC));
    lines
        .filter_map(|labels| {
            let label = |name: &str| {
                let (_, rest) = labels.split_once(&format!("{name}=\""))?;
                rest.split('"').next().filter(|value| !value.is_empty())
            };
            let removed = label("removed_release")?;
            let minor: u64 = removed.strip_prefix("1.")?.parse().ok()?;
            if !(now < minor && minor <= then) {
                return None;
            }
            let (resource, version) = (label("resource")?, label("version")?);
            let api = label("group").map_or(version.to_owned(), |group| format!("{group}/{version}"));
            Some(
                Finding::warning(format!("{resource} of {api} were requested, which {removed} no longer serves"))
                    .evidence("apiserver_requested_deprecated_apis in the API server's metrics, since it started")
                    .cause("a client, controller or manifest still uses the old API version")
                    .fix(format!("find out which in the audit log (annotation k8s.io/removed-release: \"{removed}\"), and have it use the next version")),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn only_what_goes_on_this_step_is_told() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        let line = |removed: &str| {
            format!(
                "apiserver_requested_deprecated_apis{{group=\"batch\",removed_release=\"{removed}\",resource=\"cronjobs\",subresource=\"\",version=\"v1beta1\"}} 1\n"
            )
        };
        for (removed, count) in [("1.36", 1), ("1.35", 0), ("1.37", 0), ("", 0)] {
            e.metrics = format!("# HELP x\n{}other{{}} 1\n", line(removed));
            assert_eq!(requested(&e).len(), count, "{removed}");
        }
        e.metrics = line("1.36");
        assert_eq!(
            requested(&e)[0].what,
            "cronjobs of batch/v1beta1 were requested, which 1.36 no longer serves"
        );
    }
}
