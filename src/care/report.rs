//! What a run did: kept for `status`, and shown to monitoring.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::certs::{State, Survey};
use crate::host::{FileError, FileMode, Host};

/// Where the last report is kept.
pub(crate) const FILE: &str = "/var/lib/kubestrap/care/last.json";
/// The file for node-exporter's textfile collector, in its directory.
const METRICS: &str = "kubestrap_care.prom";
/// Readable for the user that node-exporter runs as.
const METRICS_MODE: FileMode = FileMode { file: 0o644, dir: 0o755 };

/// What a run did.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// When it ended, RFC 3339.
    pub(crate) finished: String,
    /// Whether all is well.
    pub(crate) ok: bool,
    /// Certificates that were renewed.
    pub(crate) renewed: Vec<String>,
    /// Components that were restarted.
    pub(crate) restarted: Vec<String>,
    /// Requests that were written for an external CA.
    pub(crate) requests: Vec<String>,
    /// The snapshot that was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
    /// What failed, in words.
    pub(crate) failures: Vec<String>,
    /// Why it ended before it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<String>,
    /// Why what is due is left to the next run, which is no failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) postponed: Option<String>,
}

impl Report {
    /// What happened, in one line; none where nothing did.
    pub(crate) fn summary(&self) -> Option<String> {
        let mut parts = vec![];
        if !self.renewed.is_empty() {
            parts.push(format!("renewed {}", self.renewed.join(", ")));
        }
        if !self.restarted.is_empty() {
            parts.push(format!("restarted {}", self.restarted.join(", ")));
        }
        if !self.requests.is_empty() {
            parts.push(format!("wrote requests for the external CA: {}", self.requests.join(", ")));
        }
        if !self.failures.is_empty() {
            parts.push(format!("failed: {}", self.failures.join("; ")));
        }
        parts.extend(self.stopped.as_ref().map(|why| format!("stopped: {why}")));
        parts.extend(self.postponed.as_ref().map(|why| format!("left to the next run: {why}")));
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The last report that was kept.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn last(host: &dyn Host) -> Result<Option<Self>, FileError> {
        // One that another version wrote otherwise is none.
        Ok(host.read(Path::new(FILE))?.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn keep(&self, host: &dyn Host) -> Result<(), FileError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        host.write(Path::new(FILE), &text, FileMode::SECRET).map(drop)
    }
}

/// Writes the metrics to node-exporter's directory; where there is none, nobody reads them.
///
/// # Errors
/// When they can't be written.
pub(crate) fn write_metrics(
    report: &Report,
    survey: &Survey,
    dir: &Path,
    host: &dyn Host,
    now: OffsetDateTime,
) -> Result<(), FileError> {
    if !host.exists(dir) {
        return Ok(());
    }
    host.write(&dir.join(METRICS), metrics(report, survey, now).as_bytes(), METRICS_MODE).map(drop)
}

/// The metrics, in the text format of Prometheus.
fn metrics(report: &Report, survey: &Survey, now: OffsetDateTime) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(String, i64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let one = |value: i64| vec![(String::new(), value)];
    gauge(
        "kubestrap_care_last_run_timestamp_seconds",
        "When the last run ended.",
        &one(now.unix_timestamp()),
    );
    gauge(
        "kubestrap_care_success",
        "Whether the last run found or left everything in order.",
        &one(report.ok.into()),
    );
    let count = |list: &[String]| i64::try_from(list.len()).unwrap_or(i64::MAX);
    gauge(
        "kubestrap_care_renewed_certificates",
        "Certificates that the last run renewed.",
        &one(count(&report.renewed)),
    );
    gauge(
        "kubestrap_care_postponed",
        "Whether the last run left what is due to the next one, as another node had its turn.",
        &one(report.postponed.is_some().into()),
    );
    gauge("kubestrap_care_failures", "What failed in the last run.", &one(count(&report.failures)));
    let expirations: Vec<(String, i64)> = survey
        .leaves
        .iter()
        .chain(&survey.authorities)
        .filter_map(|entry| match &entry.state {
            State::Present { expires, .. } => {
                Some((format!("{{name=\"{}\"}}", entry.name), expires.unix_timestamp()))
            }
            State::Missing | State::Unreadable(_) => None,
        })
        .collect();
    gauge("kubestrap_certificate_expiration_timestamp_seconds", "When a certificate expires.", &expirations);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::Entry;
    use time::macros::datetime;

    #[test]
    fn metrics_tell_the_outcome_and_every_expiry() {
        let expires = datetime!(2027-01-01 00:00 UTC);
        let entry =
            |name, state| Entry { name, path: name.into(), ca_name: None, externally_managed: false, state };
        let survey = Survey {
            leaves: vec![
                entry("apiserver", State::Present { begins: expires, expires, key_fault: None }),
                entry("super-admin.conf", State::Missing),
            ],
            authorities: vec![],
        };
        let report = Report { ok: false, renewed: vec!["apiserver".into()], ..Report::default() };
        let text = metrics(&report, &survey, datetime!(2026-01-01 00:00 UTC));
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "kubestrap_care_last_run_timestamp_seconds 1767225600",
                "kubestrap_care_success 0",
                "kubestrap_care_renewed_certificates 1",
                "kubestrap_care_postponed 0",
                "kubestrap_care_failures 0",
                "kubestrap_certificate_expiration_timestamp_seconds{name=\"apiserver\"} 1798761600",
            ]
        );
        assert_eq!(text.matches("# TYPE").count(), 6);
    }

    #[test]
    fn run_with_nothing_to_do_has_no_summary() {
        assert_eq!(Report { ok: true, snapshot: Some("x".into()), ..Report::default() }.summary(), None);
        let report = Report {
            renewed: vec!["apiserver".into()],
            stopped: Some("etcd is not healthy".into()),
            ..Report::default()
        };
        assert_eq!(report.summary().unwrap(), "renewed apiserver; stopped: etcd is not healthy");
    }
}
