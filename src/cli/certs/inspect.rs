//! `certs inspect`.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::renew::known_names;
use super::source::SourceFlags;
use crate::certs::human;
use crate::certs::inspect::{Facts, Report, inspect};
use crate::certs::serving::{Machine, Standing, Use, uses};
use crate::cli::output_api::ObjectFormat;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::{Format, Printer};

/// Show certificates in full: chain, names, key, who uses them, what is wrong and what that breaks
#[derive(Args, Debug)]
#[command(
    after_help = "Exits with 1 if something is wrong.\n\nExamples:\n  kubestrap certs inspect\n  kubestrap certs inspect apiserver etcd-server -o json"
)]
pub(super) struct Inspect {
    /// Which (default: all)
    #[arg(value_name = "NAME", value_parser = known_names(&["ca", "etcd-ca", "front-proxy-ca"]))]
    names: Vec<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
}

impl Inspect {
    /// Prints them.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let host = RealHost::new();
        let source = self.source.find("inspect", &host, &out)?;
        let mut reports = inspect(&source.pki, &host, OffsetDateTime::now_utc())?;
        reports.retain(|r| {
            let named = self.names.contains(&r.name);
            // Where all are asked for, what a control plane can do without need not be there.
            named || (self.names.is_empty() && (r.certificate.is_some() || r.name != "super-admin.conf"))
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
                fields.insert("usedBy".into(), used.iter().map(|(u, s)| super::restart::component_json(u, s)).collect());
            }
            item
        }).collect::<Vec<_>>() });
        out.data(&self.output.render(&data, |_| {
            reports.iter().map(|(r, used)| text(r, used)).collect::<Vec<_>>().join("\n")
        })?);
        let wrong: Vec<&str> =
            reports.iter().filter(|(r, _)| !r.problems.is_empty()).map(|(r, _)| r.name.as_str()).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ExitStatus::Failed,
            format!("something is wrong with {} (see above)", wrong.join(", ")),
        ))
    }
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
        line("used by", &super::restart::words(used, standing));
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
