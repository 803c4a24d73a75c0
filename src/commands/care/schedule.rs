//! `care enable` and `care disable`.

use serde_json::json;

use super::AREA;
use super::run;
use crate::care::schedule::Schedule;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::RealHost;
use crate::output::Printer;

/// Sets up the daily run.
///
/// # Errors
/// When nothing on this machine would start it, or its files can't be written.
pub(crate) fn enable(request: &run::Request, out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let schedule = Schedule::of(&host)?;
    let program = std::env::current_exe()?;
    // Timers have a delay of their own.
    let jitter = matches!(schedule, Schedule::Cron(_)).then_some("1h");
    schedule.enable(&program, &request.arguments(jitter), &host)?;
    out.log(AREA, format!("Enabled the {}: it runs daily", schedule.words()));
    let start = schedule.start();
    out.log(AREA, format!("`kubestrap care status` shows the last run, `{start}` starts one"));
    out.result(json!({ "ok": true, "enabled": true, "schedule": schedule.words() }), "");
    Ok(ExitStatus::Done)
}

/// Removes the daily run.
///
/// # Errors
/// When it can't be stopped, or its files not be removed.
pub(crate) fn disable(out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let schedule = Schedule::of(&host)?;
    schedule.disable(&host)?;
    out.log(AREA, format!("Disabled the {}", schedule.words()));
    out.result(json!({ "ok": true, "enabled": false }), "");
    Ok(ExitStatus::Done)
}
