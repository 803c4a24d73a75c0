//! What is to be renewed: a certificate with less than a third of its life left.

use time::{Duration, OffsetDateTime};

use crate::certs::{Entry, State, Survey, component_of, utc};
use crate::finding::Finding;
use crate::manifest::Component;

/// What is to be done, and what is told.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Certificates to renew, by the component that uses them; those that no component uses come last.
    pub(crate) steps: Vec<Step>,
    /// Certificates that are due, and whose CA's key is elsewhere.
    pub(crate) external: Vec<&'static str>,
    /// Whether one of them has expired already.
    pub(crate) expired: bool,
    /// What can't be fixed by a renewal.
    pub(crate) findings: Vec<Finding>,
}

impl Plan {
    /// Whether a certificate is to be renewed here.
    pub(crate) fn is_due(&self) -> bool {
        self.steps.iter().any(|step| !step.names.is_empty())
    }
}

/// The certificates of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The component; none for certificates of people and tools.
    pub(crate) component: Option<Component>,
    /// The names of certificates that are due; it may be that there are none.
    pub(crate) names: Vec<&'static str>,
}

/// Whether a certificate has less than a third of its life left. `validity` is how long new ones are valid: a first
/// certificate in a kubeconfig begins when its CA does, which says nothing about its life.
pub(crate) fn is_due(
    begins: OffsetDateTime,
    expires: OffsetDateTime,
    validity: Duration,
    now: OffsetDateTime,
) -> bool {
    let life = (expires - begins).min(validity);
    expires - now < life / 3
}

/// What is to be done, by what there is.
pub(crate) fn plan(survey: &Survey, validity: Duration, now: OffsetDateTime) -> Plan {
    let mut plan = Plan::default();
    let mut due = vec![];
    for entry in &survey.leaves {
        match &entry.state {
            State::Missing if entry.is_optional() => {}
            State::Missing | State::Unreadable(_) => plan.findings.extend(unusable(entry, now)),
            State::Present { begins, expires, key_fault } => {
                // A renewal that was cut off leaves a key that is another's; renewing again fixes it.
                if !is_due(*begins, *expires, validity, now) && key_fault.is_none() {
                    continue;
                }
                plan.expired |= *expires < now && !entry.externally_managed;
                if entry.externally_managed {
                    plan.external.push(entry.name);
                } else {
                    due.push(entry.name);
                }
            }
        }
    }
    for entry in &survey.authorities {
        plan.findings.extend(ending(entry, validity, now));
    }
    let components = Component::ALL.into_iter().map(Some).chain([None]);
    plan.steps = components
        .map(|component| Step {
            component,
            names: due.iter().copied().filter(|name| component_of(name) == component).collect(),
        })
        .collect();
    plan
}

fn unusable(entry: &Entry, now: OffsetDateTime) -> Option<Finding> {
    let problem = entry.problem(now, now)?;
    let finding = Finding::error(format!("certificate {} {problem}", entry.name))
        .evidence(entry.path.display().to_string())
        .fix("restore it from a backup, or generate it with `kubestrap init phase certs all` or `kubestrap init phase kubeconfig all`");
    Some(named("Certificate", finding))
}

/// A CA that ends before what it signs would.
fn ending(entry: &Entry, validity: Duration, now: OffsetDateTime) -> Option<Finding> {
    let State::Present { expires, .. } = &entry.state else {
        // Without a CA, the leaves that need it tell.
        return None;
    };
    let left = *expires - now;
    if left >= validity {
        return None;
    }
    let what =
        format!("the CA {} expires at {}, before the certificates that it signs", entry.name, utc(*expires));
    let finding = Finding::warning(what)
        .evidence(entry.path.display().to_string())
        .fix("`kubestrap certs rotate-ca` before that time; renewing certificates does not help then");
    Some(named(
        "CertificateAuthority",
        if left.is_positive() {
            finding
        } else {
            Finding { severity: crate::finding::Severity::Error, ..finding }
        },
    ))
}

/// A finding under the name of what found it.
pub(super) fn named(check: &str, finding: Finding) -> Finding {
    Finding { check: check.into(), ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::pki::judgement::Fault;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-06-01 00:00 UTC);
    const YEAR: Duration = Duration::days(365);

    fn entry(name: &'static str, state: State) -> Entry {
        Entry { name, path: name.into(), ca_name: Some("ca"), externally_managed: false, state }
    }

    fn lasting(days: i64) -> State {
        let expires = NOW + Duration::days(days);
        State::Present { begins: expires - YEAR, expires, key_fault: None }
    }

    #[test]
    fn less_than_a_third_of_the_life_is_due() {
        let of = |begins: i64, ends: i64| {
            is_due(NOW + Duration::days(begins), NOW + Duration::days(ends), YEAR, NOW)
        };
        assert!(!of(-240, 125) && of(-245, 120) && of(-366, -1));
        assert!(!of(-2, 1) && of(-3, 1), "short-lived ones by their own life");
        assert!(!of(-2000, 125), "one that began with its CA is not measured by the CA's age");
    }

    #[test]
    fn components_come_in_the_order_in_which_they_need_each_other_and_people_last() {
        let survey = Survey {
            leaves: vec![
                entry("admin.conf", lasting(10)),
                entry("apiserver", lasting(10)),
                entry("apiserver-kubelet-client", lasting(300)),
                entry("etcd-server", lasting(10)),
                entry("scheduler.conf", lasting(300)),
                entry("super-admin.conf", State::Missing),
            ],
            authorities: vec![],
        };
        let plan = plan(&survey, YEAR, NOW);
        let steps: Vec<_> =
            plan.steps.iter().map(|s| (s.component.map(Component::name), s.names.clone())).collect();
        assert_eq!(
            steps,
            [
                (Some("etcd"), vec!["etcd-server"]),
                (Some("kube-apiserver"), vec!["apiserver"]),
                (Some("kube-controller-manager"), vec![]),
                (Some("kube-scheduler"), vec![]),
                (None, vec!["admin.conf"]),
            ]
        );
        assert!(!plan.expired);
        assert_eq!(plan.findings, [], "super-admin.conf may be kept elsewhere");
    }

    #[test]
    fn external_ones_are_not_renewed_and_broken_ones_are_told() {
        let survey = Survey {
            leaves: vec![
                Entry { externally_managed: true, ..entry("apiserver", lasting(1)) },
                Entry { externally_managed: true, ..entry("front-proxy-client", lasting(300)) },
                entry("etcd-peer", State::Missing),
                entry(
                    "etcd-server",
                    State::Present { begins: NOW, expires: NOW + YEAR, key_fault: Some(Fault::KeyMismatch) },
                ),
            ],
            authorities: vec![
                entry("ca", lasting(30)),
                entry("etcd-ca", lasting(3000)),
                entry("front-proxy-ca", lasting(-1)),
            ],
        };
        let plan = plan(&survey, YEAR, NOW);
        assert_eq!(plan.external, ["apiserver"]);
        assert_eq!(plan.steps.first().unwrap().names, ["etcd-server"]);
        let told: Vec<_> =
            plan.findings.iter().map(|f| (f.severity, f.what.split(',').next().unwrap())).collect();
        assert_eq!(
            told,
            [
                (Severity::Error, "certificate etcd-peer is missing"),
                (Severity::Warning, "the CA ca expires at 2026-07-01T00:00:00Z"),
                (Severity::Error, "the CA front-proxy-ca expires at 2026-05-31T00:00:00Z"),
            ]
        );
    }
}
