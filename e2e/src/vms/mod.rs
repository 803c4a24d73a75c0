//! `cargo e2e --vms SCRIPT`: kubestrap in fresh virtual machines with systemd and cgroup v2, as many as a scenario needs,
//! with power cuts. The machines are the script's: [`machines`] has what is asked of it.

mod healthy;
mod machines;
mod scenarios;

use std::path::Path;
use std::time::Instant;

use machines::Machines;
pub(crate) use scenarios::SCENARIOS;

use crate::say;

/// What must hold in virtual machines.
pub(crate) struct Scenario {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it asserts.
    pub(crate) asserts: &'static str,
    /// How many machines it takes.
    machines: usize,
    run: fn(&Machines) -> anyhow::Result<()>,
}

/// Runs those that are named, or all; whether they passed. `cuts` is at how many moments the power goes.
///
/// # Errors
/// When a machine can't be made.
pub(crate) fn run(script: &Path, names: &[String], kubestrap: &Path, cuts: u16) -> anyhow::Result<bool> {
    let mut failed = vec![];
    for scenario in SCENARIOS.iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name)) {
        let start = Instant::now();
        let machines = Machines::up(script, scenario.machines, kubestrap, cuts)?;
        let result = (scenario.run)(&machines);
        let seconds = start.elapsed().as_secs_f64();
        let why = result.err().map(|error| format!("{error:#}"));
        say::ended(scenario.name, seconds, machines.notes(), why.as_deref());
        failed.extend(why.map(|_| scenario.name));
    }
    if !failed.is_empty() {
        say::line(format_args!("failed: {}", failed.join(", ")));
    }
    Ok(failed.is_empty())
}
