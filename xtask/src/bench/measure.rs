//! One run of a program: how long, and how much memory at most.

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

use e2e::command::tail;

/// How often a run's memory is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// Wall time, in seconds.
    pub(super) seconds: f64,
    /// Processor time, in seconds: what a busy machine changes less.
    pub(super) processor: f64,
    /// Peak memory of the process, in bytes.
    pub(super) memory: f64,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The exit code; none when a signal ended it.
    pub(super) code: Option<i32>,
    /// Standard output.
    pub(super) stdout: String,
    /// The last lines of what it said.
    pub(super) said: String,
}

/// Runs `command` to its end, which must be a good one; with what it printed on standard output.
///
/// # Errors
/// When it fails.
pub(super) fn run(command: &mut Command) -> anyhow::Result<(Run, String)> {
    let (run, ended) = run_to_end(command)?;
    if ended.code != Some(0) {
        bail!("{command:?}: exit code {:?}:\n{}", ended.code, ended.said);
    }
    Ok((run, ended.stdout))
}

/// Runs `command` to its end, whatever that is.
///
/// # Errors
/// When it can't be started.
pub(super) fn run_to_end(command: &mut Command) -> anyhow::Result<(Run, Ended)> {
    let folder = tempfile::tempdir()?;
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{command:?} can't be started"))?;
    let ended = Arc::new(AtomicBool::new(false));
    let peak = watch_memory(child.id(), &ended);
    let usage = child.wait4()?;
    let seconds = start.elapsed().as_secs_f64();
    ended.store(true, Ordering::Relaxed);
    let stdout = std::fs::read_to_string(out)?;
    let said = std::fs::read_to_string(err)?;
    let said = tail(if said.is_empty() { &stdout } else { &said }, 20);
    let memory = peak.join().unwrap_or_default();
    let processor = (usage.rusage.utime + usage.rusage.stime).as_secs_f64();
    Ok((Run { seconds, processor, memory }, Ended { code: usage.status.code(), stdout, said }))
}

/// Watches the peak memory of a program until it has ended, in bytes. What the kernel says of a child that has ended
/// counts the largest of its own children too, such as `kubelet --version`.
fn watch_memory(pid: u32, ended: &Arc<AtomicBool>) -> JoinHandle<f64> {
    let ended = Arc::clone(ended);
    std::thread::spawn(move || {
        let mut peak: f64 = 0.0;
        while !ended.load(Ordering::Relaxed) {
            let status =
                std::fs::read_to_string(format!("/proc/{}/status", program(pid))).unwrap_or_default();
            let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
            peak = kib.map_or(peak, |kib| peak.max(kib * 1024.0));
            std::thread::sleep(LOOK);
        }
        peak
    })
}

/// The process of the program that `pid` runs: its child, where `nsenter` leads into another machine.
fn program(pid: u32) -> u32 {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let child = || read(&format!("task/{pid}/children")).split_whitespace().next()?.parse().ok();
    if read("comm").trim() == "nsenter" { child().unwrap_or(pid) } else { pid }
}

/// The middle one of `values`, or the mean of the two in the middle; not a number when there are none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_run_has_time_and_memory_and_must_succeed() {
        let (run, stdout) = super::run(Command::new("sh").args(["-c", "sleep 0.1; echo done"])).unwrap();
        assert!(run.seconds >= 0.1 && run.memory > 100_000.0, "{run:?}");
        assert_eq!(stdout, "done\n");
        let error = super::run(Command::new("sh").args(["-c", "echo why >&2; exit 1"])).unwrap_err();
        assert!(error.to_string().ends_with("why"), "{error}");
    }
}
