//! `certs check-expiration`.

use clap::Args;
use serde::Serialize;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::source::SourceFlags;
use crate::certs::{Entry, State, Survey, human, survey, utc};
use crate::cli::output_api::{API_VERSION, PrintFlags};
use crate::cli::table::columns;
use crate::config::duration::{GoDuration, ParseDurationError};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::{Format, Printer};

const AREA: &str = "check-expiration";

/// Show until when certificates last
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap certs check-expiration\n  kubestrap certs check-expiration -o json\n  kubestrap certs check-expiration --fail-within 30d || mail -s 'certificates' root"
)]
pub(super) struct CheckExpiration {
    #[command(flatten)]
    source: SourceFlags,
    /// Exit with 1 if a certificate ends within this time (30d, 720h), has ended, is missing or can't be used; only
    /// super-admin.conf may be missing
    #[arg(long, value_name = "DURATION", value_parser = days)]
    fail_within: Option<Duration>,
    #[command(flatten)]
    print: PrintFlags,
}

/// A duration as Go writes it, with days before it, as in `30d` or `1d12h`.
fn days(text: &str) -> Result<Duration, String> {
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) => (days.parse().map_err(|_| format!("`{days}` is no number of days"))?, rest),
        None => (0, text),
    };
    let rest: GoDuration = match (days, rest) {
        (1.., "") => GoDuration::ZERO,
        _ => rest.parse().map_err(|e: ParseDurationError| format!("{e}; or days, as in `30d`"))?,
    };
    let days = i64::from(days) * 86400;
    let length = Duration::seconds(days).saturating_add(Duration::nanoseconds(rest.0));
    if length.is_negative() { Err("a time to come can't be negative".into()) } else { Ok(length) }
}

impl CheckExpiration {
    /// Prints it.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let host = RealHost::new();
        let source = self.source.find(AREA, &host, &out)?;
        let survey = survey(&source.pki, &host)?;
        let now = OffsetDateTime::now_utc();
        out.data(&self.print.render(&Info::new(&survey, now), |_| text(&survey, now))?);
        let entries = || survey.leaves.iter().chain(&survey.authorities);
        let told =
            entries().filter(|e| e.state != State::Missing).filter_map(|e| Some((e, e.problem(now, now)?)));
        for (entry, problem) in told {
            out.warn(AREA, format!("{} {problem} ({})", entry.name, entry.path.display()));
        }
        let Some(within) = self.fail_within else {
            // As by kubeadm, a missing file is only marked in the table: a node with external etcd has no etcd CA.
            let unreadable = entries().filter(|e| matches!(e.state, State::Unreadable(_)));
            let names: Vec<&str> = unreadable.map(|e| e.name).collect();
            return if names.is_empty() {
                Ok(())
            } else {
                Err(Error::new(ExitStatus::Failed, format!("can't be read: {}", names.join(", "))))
            };
        };
        let by = now.checked_add(within).unwrap_or(now);
        let problems: Vec<String> = entries()
            .filter(|e| !(e.is_optional() && e.state == State::Missing))
            .filter_map(|e| Some(format!("\n  {} {}", e.name, e.problem(now, by)?)))
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let span = if within.is_zero() { String::new() } else { format!(" for another {}", human(within)) };
        Err(Error::new(
            ExitStatus::Failed,
            format!(
                "not every certificate is good{span}:{}\n  fix: `kubestrap certs renew all --restart`, or by name; a CA needs more",
                problems.concat()
            ),
        ))
    }
}

/// kubeadm's object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    kind: &'static str,
    api_version: &'static str,
    certificates: Vec<Item>,
    certificate_authorities: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: &'static str,
    expiration_date: Option<String>,
    residual_time: i64,
    externally_managed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_name: Option<&'static str>,
    missing: bool,
    /// Not kubeadm's: why it can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Info {
    fn new(survey: &Survey, now: OffsetDateTime) -> Self {
        let items = |entries: &[Entry]| entries.iter().map(|e| Item::new(e, now)).collect();
        Self {
            kind: "CertificateExpirationInfo",
            api_version: API_VERSION,
            certificates: items(&survey.leaves),
            certificate_authorities: items(&survey.authorities),
        }
    }
}

impl Item {
    fn new(entry: &Entry, now: OffsetDateTime) -> Self {
        let (expires, error) = match &entry.state {
            State::Missing => (None, None),
            State::Unreadable(why) => (None, Some(why.clone())),
            State::Present { expires, .. } => (Some(*expires), None),
        };
        Self {
            name: entry.name,
            expiration_date: expires.map(utc),
            residual_time: expires.map_or(0, |e| (e - now).whole_seconds()),
            externally_managed: entry.externally_managed,
            // kubeadm reads it out of the certificate.
            ca_name: entry.ca_name.filter(|_| entry.state != State::Missing),
            missing: entry.state == State::Missing,
            error,
        }
    }
}

/// kubeadm's two tables.
fn text(survey: &Survey, now: OffsetDateTime) -> String {
    let head = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let row = |entry: &Entry| {
        let mark = match &entry.state {
            State::Missing => Some("!MISSING!"),
            State::Unreadable(_) => Some("!UNREADABLE!"),
            State::Present { .. } => None,
        };
        let name = mark.map_or(entry.name.to_owned(), |mark| format!("{mark} {}", entry.name));
        let mut cells = vec![name];
        if let State::Present { expires, .. } = entry.state {
            cells.extend([date(expires), human(expires - now)]);
            cells.extend(entry.ca_name.map(str::to_owned));
            cells.push(if entry.externally_managed { "yes" } else { "no" }.to_owned());
        }
        cells
    };
    let table = |names: &[&str], entries: &[Entry]| {
        let rows: Vec<Vec<String>> = std::iter::once(head(names)).chain(entries.iter().map(row)).collect();
        columns(&rows)
    };
    let leaves = ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "EXTERNALLY MANAGED"];
    let authorities = ["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME", "EXTERNALLY MANAGED"];
    format!("{}\n{}", table(&leaves, &survey.leaves), table(&authorities, &survey.authorities))
}

/// `Nov 23, 2027 21:04 UTC`.
fn date(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    let month = utc.month().to_string();
    let month = month.get(..3).unwrap_or_default();
    format!("{month} {:02}, {} {:02}:{:02} UTC", utc.day(), utc.year(), utc.hour(), utc.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn days_and_what_go_reads() {
        assert_eq!(days("30d").unwrap(), Duration::days(30));
        assert_eq!(days("1d12h").unwrap(), Duration::hours(36));
        assert_eq!(days("720h").unwrap(), Duration::days(30));
        assert_eq!(days("0").unwrap(), Duration::ZERO);
        for bad in ["", "d", "30", "-1h", "1.5d", "30x", "xd", "1d1d"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_as_kubeadm_writes_them() {
        assert_eq!(date(datetime!(2027-11-03 21:04:12 UTC)), "Nov 03, 2027 21:04 UTC");
    }
}
