//! `care status`.

use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::care::report::Report;
use crate::care::schedule::Schedule;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::Printer;

/// How old the last run may be: it is daily.
const OLDEST: Duration = Duration::days(3);

/// Prints whether the daily run is enabled and how the last run ended; fails unless all is well.
///
/// # Errors
/// When the last report can't be read.
pub(crate) fn run(out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let enabled = Schedule::of(&host).ok().filter(|s| s.is_enabled(&host));
    let last = Report::last(&host)?;
    let now = OffsetDateTime::now_utc();
    let problem = problem(enabled.is_some(), last.as_ref(), now);
    let mut text = match enabled {
        Some(schedule) => format!("enabled    yes ({})\n", schedule.words()),
        None => "enabled    no\n".to_owned(),
    };
    text += &match &last {
        Some(report) => {
            let did = report.summary().unwrap_or_else(|| "nothing was due".into());
            let snapshot = report.snapshot.as_ref().map(|s| format!("snapshot   {s}\n")).unwrap_or_default();
            format!("last run   {} ({did})\n{snapshot}", report.finished)
        }
        None => "last run   never\n".to_owned(),
    };
    if let Some(problem) = &problem {
        text += &format!("problem    {problem}\n");
    }
    let data =
        json!({ "ok": problem.is_none(), "enabled": enabled.is_some(), "last": last, "problem": problem });
    out.result(data, &text);
    Ok(if problem.is_none() { ExitStatus::Done } else { ExitStatus::Failed })
}

/// What is wrong, if anything.
fn problem(enabled: bool, last: Option<&Report>, now: OffsetDateTime) -> Option<String> {
    if !enabled {
        return Some("the daily run is not enabled: `kubestrap care enable`".into());
    }
    let last = last?;
    if !last.ok {
        return Some(
            "the last run failed, as told above: fix that; `kubestrap care run` does what is left".into(),
        );
    }
    let finished = OffsetDateTime::parse(&last.finished, &Rfc3339).ok()?;
    (now - finished > OLDEST).then(|| "the last run was more than three days ago: nothing starts it".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn failed_and_old_runs_are_problems_and_a_first_run_to_come_is_none() {
        let now = datetime!(2026-06-10 00:00 UTC);
        let report = |ok, finished: &str| Report { ok, finished: finished.into(), ..Report::default() };
        assert!(problem(false, None, now).unwrap().contains("not enabled"));
        assert_eq!(problem(true, None, now), None);
        assert_eq!(problem(true, Some(&report(true, "2026-06-08T00:00:00Z")), now), None);
        assert!(
            problem(true, Some(&report(true, "2026-06-06T00:00:00Z")), now).unwrap().contains("three days")
        );
        assert!(problem(true, Some(&report(false, "2026-06-09T00:00:00Z")), now).unwrap().contains("failed"));
    }
}
