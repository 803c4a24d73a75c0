//! One node of the cluster at a time: a Lease that the node holds which is touched now.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// The namespace of the Lease.
pub(crate) const NAMESPACE: &str = "kube-system";
/// The name of the Lease.
pub(crate) const NAME: &str = "kubestrap-care";
/// How long a node has its turn without taking it again: longer than a component may take to be healthy again.
const TERM: Duration = Duration::minutes(15);

/// Whether a node may have its turn.
#[derive(Debug, PartialEq)]
pub(crate) enum Claim {
    /// It may: the Lease's `spec` to write.
    Free(Value),
    /// Another node has its turn.
    Held {
        /// Which node.
        by: String,
        /// Until when, if it does not take it again.
        until: OffsetDateTime,
    },
}

/// Whether `node` may have its turn `now`, by the Lease as it is; none if there is no Lease yet.
pub(crate) fn claim(lease: Option<&Value>, node: &str, now: OffsetDateTime) -> Claim {
    let text = |key: &str| lease?.pointer("/spec")?.get(key)?.as_str();
    let holder = text("holderIdentity").unwrap_or_default();
    let renewed = text("renewTime").and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
    let seconds = lease.and_then(|l| l.pointer("/spec/leaseDurationSeconds")?.as_i64());
    if let (false, Some(renewed)) = (holder.is_empty() || holder == node, renewed) {
        let term = seconds.map_or(TERM, Duration::seconds);
        let until = renewed.checked_add(term).unwrap_or(renewed);
        if until > now {
            return Claim::Held { by: holder.to_owned(), until };
        }
    }
    let acquired = text("acquireTime").filter(|_| holder == node).map_or_else(|| micro(now), str::to_owned);
    Claim::Free(json!({
        "holderIdentity": node,
        "leaseDurationSeconds": TERM.whole_seconds(),
        "acquireTime": acquired,
        "renewTime": micro(now),
    }))
}

/// The `spec` of a Lease that nobody holds.
pub(crate) fn released(now: OffsetDateTime) -> Value {
    json!({ "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": micro(now) })
}

/// A time as Kubernetes' MicroTime.
pub(crate) fn micro(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(time.microsecond() * 1000).unwrap_or(time);
    // Six digits, always.
    let whole = crate::certs::utc(time);
    format!("{}.{:06}Z", whole.trim_end_matches('Z'), time.microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00:00.5 UTC);

    fn held(by: &str, renewed: OffsetDateTime) -> Value {
        json!({ "spec": { "holderIdentity": by, "leaseDurationSeconds": 900, "acquireTime": micro(renewed), "renewTime": micro(renewed) } })
    }

    #[test]
    fn free_lease_is_taken_and_one_s_own_is_taken_again() {
        let Claim::Free(spec) = claim(None, "cp-1", NOW) else { panic!("it is free") };
        assert_eq!(spec.pointer("/renewTime").unwrap(), "2026-06-01T12:00:00.500000Z");
        let own = held("cp-1", NOW - Duration::minutes(5));
        let Claim::Free(spec) = claim(Some(&own), "cp-1", NOW) else { panic!("it is ours") };
        assert_eq!(spec.pointer("/acquireTime").unwrap(), "2026-06-01T11:55:00.500000Z");
        assert!(matches!(claim(Some(&json!({ "spec": released(NOW) })), "cp-1", NOW), Claim::Free(_)));
    }

    #[test]
    fn another_node_s_turn_lasts_until_its_term_is_over() {
        let renewed = NOW - Duration::minutes(14);
        let other = held("cp-2", renewed);
        assert_eq!(
            claim(Some(&other), "cp-1", NOW),
            Claim::Held { by: "cp-2".into(), until: datetime!(2026-06-01 12:01:00.5 UTC) }
        );
        assert!(matches!(claim(Some(&other), "cp-1", NOW + Duration::minutes(2)), Claim::Free(_)));
    }
}
