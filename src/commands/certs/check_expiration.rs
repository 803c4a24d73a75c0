//! `certs check-expiration`: until when certificates are valid.

use serde::Serialize;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::source::Location;
use crate::certs::{Entry, State, Survey, human, of_other_cas, survey, utc};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::table::columns;
use crate::output::{API_VERSION, ObjectFormat, Printer};

const AREA: &str = "check-expiration";

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where the certificates are.
    pub(crate) location: Location,
    /// How to print them.
    pub(crate) format: ObjectFormat,
    /// Fail if one of them expires within this time, has expired, is missing or can't be used.
    pub(crate) fail_within: Option<Duration>,
}

/// Prints the certificates, and fails if one does not last as long as was asked for.
///
/// # Errors
/// When a certificate can't be read, or does not last.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let out = &out.beside(&request.format);
    let host = RealHost::new();
    let source = request.location.find(AREA, &host, out)?;
    let survey = survey(&source.pki, &host)?;
    let now = OffsetDateTime::now_utc();
    out.data(&request.format.render(&Info::new(&survey, now), |_| text(&survey, now))?);
    let entries = || survey.leaves.iter().chain(&survey.authorities);
    let told =
        entries().filter(|e| e.state != State::Missing).filter_map(|e| Some((e, e.problem(now, now)?)));
    for (entry, problem) in told {
        out.warn(AREA, format!("{} {problem} ({})", entry.name, entry.path.display()));
    }
    let others = of_other_cas(&source.pki, &host)?;
    for other in &others {
        out.warn(
            AREA,
            format!("{}: {} ({})\n    fix: {}", other.name, other.problem, other.file.display(), other.fix),
        );
    }
    let Some(within) = request.fail_within else {
        // As by kubeadm, a missing file is only marked in the table: a node with external etcd has no etcd CA.
        let unreadable = entries().filter(|e| matches!(e.state, State::Unreadable(_)));
        let names: Vec<&str> = unreadable.map(|e| e.name).collect();
        return if names.is_empty() {
            Ok(ExitStatus::Done)
        } else {
            Err(Error::new(ExitStatus::Failed, format!("could not read {} (see above)", names.join(", "))))
        };
    };
    let by = now.checked_add(within).unwrap_or(now);
    let problems: Vec<String> = entries()
        .filter(|e| !(e.is_optional() && e.state == State::Missing))
        .filter_map(|e| Some(format!("\n  {} {}", e.name, e.problem(now, by)?)))
        .chain(others.iter().map(|other| format!("\n  {}: {}", other.name, other.problem)))
        .collect();
    if problems.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let span = if within.is_zero() { String::new() } else { format!(" for another {}", human(within)) };
    Err(Error::new(
        ExitStatus::Failed,
        format!(
            "not every certificate is good{span}:{}\n  fix: `kubestrap certs renew all --restart`, or by name; `kubestrap certs rotate-ca` for a CA",
            problems.concat()
        ),
    ))
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
    fn dates_as_kubeadm_writes_them() {
        assert_eq!(date(datetime!(2027-11-03 21:04:12 UTC)), "Nov 03, 2027 21:04 UTC");
    }
}
