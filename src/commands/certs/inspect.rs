//! `certs inspect`: certificates in full, who uses them, and what is wrong with them.

use std::fmt::Write as _;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::restart;
use super::source::Location;
use crate::certs::human;
use crate::certs::inspect::{Facts, Report, inspect};
use crate::certs::serving::{Machine, Standing, Use, uses};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::{ObjectFormat, Printer};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The names of certificates; none for all.
    pub(crate) names: Vec<String>,
    /// Where they are.
    pub(crate) location: Location,
    /// How to print them.
    pub(crate) format: ObjectFormat,
}

/// Prints the certificates, and fails if something is wrong with one of them.
///
/// # Errors
/// When a file can't be read, or something is wrong.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let out = &out.beside(&request.format);
    let host = RealHost::new();
    let source = request.location.find("inspect", &host, out)?;
    let mut reports = inspect(&source.pki, &host, OffsetDateTime::now_utc())?;
    reports.retain(|r| {
        let named = request.names.contains(&r.name);
        // Where all are asked for, what a control plane can do without need not be there.
        named || (request.names.is_empty() && (r.certificate.is_some() || r.name != "super-admin.conf"))
    });
    let uses = uses(&source.pki.kubeconfigs.join("manifests"), &host);
    let used = |report: &Report| -> Vec<(&Use, Standing)> {
        let own = uses.iter().filter(|u| u.file() == report.file);
        own.map(|u| (u, u.standing(&host, &Machine))).collect()
    };
    let reports: Vec<(Report, Vec<(&Use, Standing)>)> = reports
        .into_iter()
        .map(|r| {
            let used = used(&r);
            (r, used)
        })
        .collect();
    let data = json!({ "certificates": reports.iter().map(|(r, used)| {
            let mut item = serde_json::to_value(r).unwrap_or_default();
            if let Some(fields) = item.as_object_mut() {
                fields.insert("usedBy".into(), used.iter().map(|(u, s)| restart::component_json(u, s)).collect());
            }
            item
        }).collect::<Vec<_>>() });
    out.data(
        &request.format.render(&data, |_| {
            reports.iter().map(|(r, used)| text(r, used)).collect::<Vec<_>>().join("\n")
        })?,
    );
    let wrong: Vec<&str> =
        reports.iter().filter(|(r, _)| !r.problems.is_empty()).map(|(r, _)| r.name.as_str()).collect();
    if wrong.is_empty() {
        return Ok(ExitStatus::Done);
    }
    Err(Error::new(ExitStatus::Failed, format!("something is wrong with {} (see above)", wrong.join(", "))))
}

fn text(report: &Report, used: &[(&Use, Standing)]) -> String {
    let mut text = format!("{}  {}\n", report.name, report.file.display());
    let mut line = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {what:<12} {value}");
        }
    };
    if let Some(facts) = &report.certificate {
        facts_lines(facts, &mut line);
    }
    for (used, standing) in used {
        line("used by", &restart::words(used, standing));
    }
    for problem in &report.problems {
        line("WRONG", problem);
    }
    if let Some(breaks) = report.breaks {
        line("breaks", breaks);
    }
    text
}

fn facts_lines(facts: &Facts, line: &mut impl FnMut(&str, &str)) {
    line("chain", &facts.chain.join(" < "));
    line(
        "valid",
        &format!(
            "{} to {} ({} left)",
            facts.not_before,
            facts.not_after,
            human(Duration::seconds(facts.residual_time))
        ),
    );
    line("usages", &facts.usages.join(", "));
    line("names", &facts.dns_names.join(", "));
    line("addresses", &facts.ip_addresses.join(", "));
    let key = if facts.key_matches { "its private key is there" } else { "without its private key" };
    line("key", &format!("{}, {key}", facts.key));
    line("serial", &facts.serial);
    line("SHA-256", &facts.fingerprint);
}
